// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuemonitor_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/issuemonitor"
)

// FuzzCompile: whatever an author writes is refused with its field, or evaluated to a
// verdict or an *Error.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		"true", notReady, "object", "owner.kind == 'Pod'", "object.status.conditions[0].status", "[1, 2].all(x, x > 0)",
		"dyn(1) / 0 == 1", `"a".matches(object.metadata.name)`, "\xff", `quantity("1Gi").isGreaterThan(quantity("1Mi"))`,
		"timestamp(object.metadata.name) > timestamp('2026-03-01T12:00:00Z')", "cel.bind(x, 1, x == 1)",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		monitor, errs := issuemonitor.Compile(newSpec(func(s *issues.IssueMonitorSpec) { s.Failing = text }), specPath)
		for _, err := range errs {
			require.Equal(t, "spec.failing", err.Field)
			require.Regexp(t, `^line \d+, column \d+: .`, err.Detail)
		}
		if len(errs) > 0 {
			return
		}
		verdict, err := monitor.Judge(t.Context(), newInput())
		var failed *issuemonitor.Error
		require.True(t, err == nil && verdict != "" || errors.As(err, &failed), "%q, %v", verdict, err)
	})
}

// TestMonitorIsShared by all who evaluate it.
func TestMonitorIsShared(t *testing.T) {
	t.Parallel()
	monitor := compiled(t, everyField)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				verdict, err := monitor.Judge(t.Context(), newInput())
				if err != nil || verdict != issuemonitor.Failing {
					t.Errorf("got %q, %v", verdict, err)
				}
				got, err := monitor.Describe(t.Context(), newInput())
				if err != nil || got.Key != "NotReady" {
					t.Errorf("got %q, %v", got.Key, err)
				}
			}
		})
	}
	all.Wait()
}
