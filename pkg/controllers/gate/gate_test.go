// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package gate_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"

	"kite.dev/kite/pkg/controllers/gate"
)

var pipelineRun = schema.GroupVersionKind{Group: "tekton.dev", Version: "v1", Kind: "PipelineRun"}

// host answers with one error after the other, then serves the kind.
type host struct{ errs []error }

func (h *host) RESTMapping(schema.GroupKind, ...string) (*apimeta.RESTMapping, error) {
	if len(h.errs) == 0 {
		return &apimeta.RESTMapping{}, nil
	}
	err := h.errs[0]
	h.errs = h.errs[1:]
	return nil, err
}

func TestOpensWhenTheKindIsServed(t *testing.T) {
	t.Parallel()
	missing := &apimeta.NoKindMatchError{GroupKind: pipelineRun.GroupKind()}
	cases := map[string]struct {
		reason string
		errs   []error
		after  time.Duration
	}{
		"Served":  {reason: "at once"},
		"Missing": {reason: "Tekton is installed later", errs: []error{missing, missing}, after: time.Minute},
		"Broken":  {reason: "discovery fails for a moment", errs: []error{errors.New("timeout")}, after: 30 * time.Second},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begin, opened := time.Now(), 0
				g := gate.New(pipelineRun, &host{errs: tc.errs}, clock.RealClock{}, func() error { opened++; return nil })
				require.NoError(t, g.Start(t.Context()))
				require.Equal(t, 1, opened, tc.reason)
				require.Equal(t, tc.after, time.Since(begin), tc.reason)
			})
		})
	}
}

func TestStopsWithoutOpening(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	missing := &apimeta.NoKindMatchError{GroupKind: pipelineRun.GroupKind()}
	g := gate.New(pipelineRun, &host{errs: []error{missing}}, clock.RealClock{}, func() error { return errors.New("opened") })
	require.NoError(t, g.Start(ctx))
}

func TestAFailingControllerEndsTheManager(t *testing.T) {
	t.Parallel()
	g := gate.New(pipelineRun, &host{}, clock.RealClock{}, func() error { return errors.New("set up") })
	require.EqualError(t, g.Start(t.Context()), "set up")
}
