// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/report"
)

func nameOfObject(webhook *v1alpha1.IssueWebhook) types.NamespacedName {
	return types.NamespacedName{Namespace: webhook.Namespace, Name: webhook.Name}
}

const twoChecks = `{"namespace": "kite-system", "checks": [{"name": "unit", "state": "failed"}, {"name": "lint", "state": "queued"}, {"name": "e2e", "state": "passed"}]}`

// TestDeliver: the whole way of a delivery, into the webhook's own namespace.
func TestDeliver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newSecret(map[string]string{"secret": testSecret + "\n"}))
	w.follow(t)
	w.knows(t, newWebhook())
	code, answer := w.send(t, twoChecks)
	require.Equal(t, http.StatusOK, code, answer)
	require.Equal(t, map[string]any{"items": 3.0, "reports": []any{
		map[string]any{"item": 0.0, "result": "Created", "issues": []any{"test-suite"}},
		map[string]any{"item": 2.0, "result": "Created", "issues": []any{"test-suite"}},
	}}, answer)
	observed := metav1.NewMicroTime(testTime)
	require.ElementsMatch(t, []report.Report{
		{Namespace: testNamespace, Spec: v1alpha1.IssueReportSpec{
			Outcome: v1alpha1.OutcomeFailed, ObservedAt: &observed, Source: "IssueWebhook/team-gamma/ci",
			Issue: v1alpha1.ReportedIssue{
				Type: "test", Severity: v1alpha1.SeverityMajor, Title: "unit failed", Scope: v1alpha1.IssueScope{Kind: "Suite", Name: "unit"},
			},
		}},
		{Namespace: testNamespace, Spec: v1alpha1.IssueReportSpec{
			Outcome: v1alpha1.OutcomeSucceeded, ObservedAt: &observed, Source: "IssueWebhook/team-gamma/ci",
			Issue: v1alpha1.ReportedIssue{Type: "test", Scope: v1alpha1.IssueScope{Kind: "Suite", Name: "e2e"}},
		}},
	}, w.own.Reports())
	require.Empty(t, w.callers.Reports())

	code, answer = w.send(t, `{"checks": []}`)
	require.Equal(t, http.StatusOK, code, "nothing to tell is no mistake")
	require.Equal(t, map[string]any{"items": 0.0, "reports": []any{}}, answer)
}

// TestRefuse: what a sender hears, and that nothing is reported.
func TestRefuse(t *testing.T) {
	t.Parallel()
	valid := func(body string) []string { return []string{"X-Signature", signed(testSecret, body)} }
	cases := map[string]struct {
		reason string
		path   string
		body   string
		header []string
		code   int
		detail string
		fields []string
	}{
		"Unknown":      {reason: "a name that nobody gave", path: "/webhooks/team-gamma/cd", code: http.StatusNotFound, detail: "there is no such webhook"},
		"OtherSpace":   {reason: "a name of another namespace", path: "/webhooks/team-0/ci", code: http.StatusNotFound, detail: "there is no such webhook"},
		"NoSignature":  {reason: "nobody is believed", body: twoChecks, code: http.StatusUnauthorized, detail: "header X-Signature is needed exactly once", fields: []string{"X-Signature"}},
		"Signature":    {reason: "another secret", body: twoChecks, header: []string{"X-Signature", signed("x", twoChecks)}, code: http.StatusUnauthorized, detail: "header X-Signature is wrong", fields: []string{"X-Signature"}},
		"Bearer":       {reason: "a token is no signature", body: twoChecks, header: []string{"Authorization", "Bearer token"}, code: http.StatusUnauthorized, detail: "header X-Signature is needed exactly once", fields: []string{"X-Signature"}},
		"Form":         {reason: "what is no JSON", body: "payload=%7B%7D", header: valid("payload=%7B%7D"), code: http.StatusBadRequest, detail: "the body is no JSON"},
		"Items":        {reason: "what the webhook does not understand", body: `{}`, header: valid(`{}`), code: http.StatusUnprocessableEntity, detail: "spec.items: no such key: checks", fields: []string{"spec.items"}},
		"Large":        {reason: "what is too large", body: strings.Repeat(" ", 256<<10+1), code: http.StatusRequestEntityTooLarge, detail: "a request may have at most 262144 bytes"},
		"UnsignedForm": {reason: "who may not send learns nothing about the body", body: "payload=%7B%7D", code: http.StatusUnauthorized, detail: "header X-Signature is needed exactly once", fields: []string{"X-Signature"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, newSecret(map[string]string{"secret": testSecret}))
			w.follow(t)
			w.knows(t, newWebhook())
			at := path
			if tc.path != "" {
				at = tc.path
			}
			code, answer, header := w.post(t, at, tc.body, tc.header...)
			require.Equal(t, tc.code, code, tc.reason)
			require.Empty(t, header.Values("WWW-Authenticate"), "no token would help")
			require.Contains(t, answer["detail"], tc.detail, tc.reason)
			require.Equal(t, tc.fields, fieldsOf(answer), tc.reason)
			require.Empty(t, w.own.Reports(), tc.reason)
		})
	}
}

// TestPartly: what can be reported is, and the sender hears of the rest.
func TestPartly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newSecret(map[string]string{"secret": testSecret}))
	w.follow(t)
	w.knows(t, newWebhook())
	code, answer := w.send(t, `{"checks": [{"name": "unit", "state": "failed"}, {"state": "failed"}, {"name": 1, "state": "passed"}]}`)
	require.Equal(t, http.StatusUnprocessableEntity, code)
	require.Equal(t, "2 of 3 were not reported: spec.issue.scope.name: no such key: name", answer["detail"])
	require.Equal(t, []string{"items[1].spec.issue.scope.name", "items[2].spec.issue.scope.name"}, fieldsOf(answer))
	require.Len(t, w.own.Reports(), 1)
}

// TestAPIRefuses: what the API says of a report is said of the item, unless sending it
// again may help.
func TestAPIRefuses(t *testing.T) {
	t.Parallel()
	invalid := apierrors.NewInvalid(v1alpha1.SchemeGroupVersion.WithKind("IssueReport").GroupKind(), "", nil)
	invalid.ErrStatus.Details.Causes = []metav1.StatusCause{{Field: "spec.issue.key", Message: "too long"}}
	cases := map[string]struct {
		reason string
		err    error
		code   int
		fields []string
		retry  string
	}{
		"Invalid":   {reason: "each field is named", err: invalid, code: http.StatusUnprocessableEntity, fields: []string{"items[0].spec.issue.key"}},
		"Forbidden": {reason: "it is the gateway that may not", err: apierrors.NewForbidden(v1alpha1.Resource("issuereports"), "", errors.New("no")), code: http.StatusServiceUnavailable, fields: []string{"items[0]"}, retry: "5"},
		"Expired":   {reason: "it is the gateway's token", err: apierrors.NewUnauthorized("expired"), code: http.StatusServiceUnavailable, fields: []string{"items[0]"}, retry: "5"},
		"Busy":      {reason: "the API says when", err: apierrors.NewTooManyRequests("busy", 7), code: http.StatusServiceUnavailable, fields: []string{"items[0]"}, retry: "7"},
		"Away":      {reason: "nothing is acknowledged that was not taken", err: apierrors.NewServiceUnavailable("away"), code: http.StatusServiceUnavailable, fields: []string{"items[0]"}, retry: "5"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, newSecret(map[string]string{"secret": testSecret}))
			w.follow(t)
			w.knows(t, newWebhook())
			w.own.Err = tc.err
			body := `{"checks": [{"name": "unit", "state": "failed"}]}`
			code, answer, header := w.post(t, path, body, "X-Signature", signed(testSecret, body))
			require.Equal(t, tc.code, code, tc.reason)
			require.Equal(t, tc.fields, fieldsOf(answer), tc.reason)
			require.Equal(t, tc.retry, header.Get("Retry-After"), tc.reason)
		})
	}
}

// TestToken: reports are the sender's own, and expressions are not evaluated for those who
// may not report.
func TestToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.follow(t)
	w.knows(t, newWebhook(withToken))
	w.allows(true)
	code, answer, _ := w.post(t, path, twoChecks, "Authorization", "Bearer token")
	require.Equal(t, http.StatusOK, code, answer)
	require.Len(t, w.callers.Reports(), 2)
	require.Empty(t, w.own.Reports(), "the gateway lends its rights to nobody")

	w.callers.Err = apierrors.NewForbidden(v1alpha1.Resource("issuereports"), "", errors.New("exceeded quota"))
	code, _, _ = w.post(t, path, twoChecks, "Authorization", "Bearer token")
	require.Equal(t, http.StatusForbidden, code, "here it is the sender who may not")

	w.clock.Step(time.Minute) // its rate is not what this is about
	w.answers(authorizationv1.SubjectAccessReviewStatus{EvaluationError: "the authorizer is away"})
	code, _, header := w.post(t, path, `{}`, "Authorization", "Bearer token")
	require.Equal(t, http.StatusServiceUnavailable, code, "nobody knows")
	require.Equal(t, "5", header.Get("Retry-After"))
	w.answers(authorizationv1.SubjectAccessReviewStatus{Denied: true, EvaluationError: "another authorizer is away"})
	code, _, _ = w.post(t, path, `{}`, "Authorization", "Bearer token")
	require.Equal(t, http.StatusForbidden, code)

	w.allows(false)
	code, answer, _ = w.post(t, path, `{}`, "Authorization", "Bearer token")
	require.Equal(t, http.StatusForbidden, code)
	require.Equal(t, "needs the right to create issuereports.issues.kite.dev in namespace team-gamma", answer["detail"])
}

// TestNotYet: a gateway that has just begun sends nobody away for ever.
func TestNotYet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, _, header := w.post(t, path, twoChecks)
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Equal(t, "10", header.Get("Retry-After"))
	require.False(t, w.webhooks.Source().Ready())
	w.follow(t)
	require.True(t, w.webhooks.Source().Ready())
}

// TestStrangers: who does not know the secret uses up nobody's rate, however often it tries.
func TestStrangers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newSecret(map[string]string{"secret": testSecret}))
	w.follow(t)
	w.knows(t, newWebhook())
	for range 10 {
		code, _, _ := w.post(t, path, twoChecks, "X-Signature", signed("guess", twoChecks))
		require.Equal(t, http.StatusUnauthorized, code)
	}
	for range 3 {
		code, answer := w.send(t, twoChecks)
		require.Equal(t, http.StatusOK, code, answer)
	}
	code, _ := w.send(t, twoChecks)
	require.Equal(t, http.StatusTooManyRequests, code, "the sender has a rate, too")
}

// TestRate: each webhook has its own, and names that nobody gave have none.
func TestRate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newSecret(map[string]string{"secret": testSecret}))
	w.allows(true)
	w.follow(t)
	w.knows(t, newWebhook())
	w.knows(t, newWebhook(func(w *v1alpha1.IssueWebhook) { w.Name = "cd" }))
	w.knows(t, newWebhook(withToken, func(w *v1alpha1.IssueWebhook) { w.Name = "token" }))
	codes := func(path string, header ...string) []int {
		var out []int
		for range 4 {
			code, _, _ := w.post(t, path, `{"checks": []}`, append(header, "X-Signature", signed(testSecret, `{"checks": []}`))...)
			out = append(out, code)
		}
		return out
	}
	bounded := []int{200, 200, 200, 429}
	require.Equal(t, bounded, codes(path))
	require.Equal(t, bounded, codes("/webhooks/team-gamma/cd"))
	require.Equal(t, []int{404, 404, 404, 404}, codes("/webhooks/team-gamma/x"))
	require.Equal(t, bounded, codes("/webhooks/team-gamma/token", "Authorization", "Bearer a"))
	require.Equal(t, bounded, codes("/webhooks/team-gamma/token", "Authorization", "Bearer b"), "another sender")
	w.clock.Step(time.Minute)
	require.Equal(t, bounded, codes(path))
}
