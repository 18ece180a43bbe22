// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuereport

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/validation"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	rules "kite.dev/kite/pkg/issue"
	registry "kite.dev/kite/pkg/registry/issues/issue"
)

// FuzzReport: a report that is accepted makes an issue that can be stored and found,
// and a second one counts on it.
func FuzzReport(f *testing.F) {
	for _, r := range []*issues.IssueReport{failed(1), succeeded(2), failed(3, withTitle("\x00"))} {
		data, err := json.Marshal(r)
		require.NoError(f, err)
		f.Add(data)
	}
	for _, seed := range []string{
		`{"spec":{"outcome":"Failed","observedAt":"2026-03-01T11:00:00.000000Z","issue":{"title":"t","type":"build","severity":"major","scope":{"kind":"A","name":"b"}},"run":{"name":"\u001f","uid":"u"}}}`,
		`{"spec":{"outcome":"Failed","observedAt":"9999-12-31T23:59:59.999999-01:00","issue":{"title":"\ud800"}}}`,
		`{"metadata":{"namespace":"../a"},"spec":{"outcome":"Succeeded","allKeys":true}}`,
	} {
		f.Add([]byte(seed))
	}
	r := newREST(newFakeStore())
	projection := registry.Projection()
	f.Fuzz(func(t *testing.T, data []byte) {
		var versioned v1alpha1.IssueReport
		if json.Unmarshal(data, &versioned) != nil {
			return
		}
		report := &issues.IssueReport{}
		if v1alpha1.Convert_v1alpha1_IssueReport_To_issues_IssueReport(&versioned, report, nil) != nil {
			return
		}
		if r.check(t.Context(), report) != nil {
			return
		}
		for _, name := range rules.IdentityOfReport(report).Names() {
			require.Empty(t, validation.IsDNS1123Label(name), "%q", name)
		}
		made := rules.Apply(nil, report, rules.Reporter{User: "robot"}, testTime)
		if report.Spec.Outcome == issues.OutcomeSucceeded {
			require.Nil(t, made.Issue, "nothing had failed")
			return
		}
		row := projection.Row(made.Issue)
		for i, column := range projection.Columns {
			require.Equal(t, column.Value(made.Issue), row[i], "%s is not stored as it is", column.Field)
			require.Less(t, len(row[i]), column.MaxBytes, column.Field)
		}
		again := rules.Apply(made.Issue.DeepCopy(), report, rules.Reporter{User: "robot"}, testTime)
		require.Equal(t, made.Issue.Status.Occurrences, again.Issue.Status.Occurrences, "an observation counts once")
		require.Equal(t, rules.Claim(made.Issue), rules.Claim(again.Issue))
	})
}
