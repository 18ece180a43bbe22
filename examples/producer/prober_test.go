// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/report/reporttest"
)

// TestRound: what fails and recovers is one problem.
func TestRound(t *testing.T) {
	t.Parallel()
	status := http.StatusOK
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	t.Cleanup(web.Close)
	recorder, output := &reporttest.Recorder{}, &bytes.Buffer{}
	recorder.Status.Result = issuesv1alpha1.ResultCreated
	p := &prober{namespace: "team-gamma", targets: []target{{"web", web.URL}}, http: web.Client(), kite: recorder, output: output}

	for _, status = range []int{http.StatusServiceUnavailable, http.StatusOK} {
		p.round(t.Context())
	}
	reports := recorder.Reports()
	require.Len(t, reports, 2)
	failed, recovered := reports[0].Spec, reports[1].Spec
	require.Equal(t, issuesv1alpha1.OutcomeFailed, failed.Outcome)
	require.Contains(t, failed.Issue.Description, "503 Service Unavailable")
	require.Equal(t, issuesv1alpha1.OutcomeSucceeded, recovered.Outcome)
	require.Equal(t, failed.Issue.Type, recovered.Issue.Type)
	require.Equal(t, failed.Issue.Scope, recovered.Issue.Scope)
	require.Equal(t, failed.Issue.Key, recovered.Issue.Key)
	require.Contains(t, output.String(), "web: Failed Created\n")

	recorder.Err = errors.New("away")
	p.round(t.Context())
	require.Contains(t, output.String(), "web: away\n")
}

func TestTargets(t *testing.T) {
	t.Parallel()
	got, err := parseTargets([]string{"web=https://example.com/?a=b"})
	require.NoError(t, err)
	require.Equal(t, []target{{"web", "https://example.com/?a=b"}}, got)
	for _, wrong := range []string{"web", "=x", "web="} {
		_, err := parseTargets([]string{wrong})
		require.ErrorContains(t, err, "is not NAME=URL")
	}
	require.ErrorContains(t, run(t.Context(), nil), "usage: ")
}
