// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// alertOf is a notification about a crashing pod of the Deployment web.
func alertOf(status string, starts, ends time.Time) string {
	return fmt.Sprintf(`{"version":"4","alerts":[{"status":%q,"fingerprint":"f1","startsAt":%q,"endsAt":%q,
		"labels":{"alertname":"KubePodCrashLooping","namespace":%q,"pod":"web-5d4f8c7b9d-x7k2p","severity":"critical"}}]}`,
		status, starts.Format(time.RFC3339Nano), ends.Format(time.RFC3339Nano), namespace)
}

// eventOf is kubelet's event about it.
func eventOf(count int, last time.Time) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"%d","source":"/apis","type":"dev.knative.apiserver.resource.update","data":{
		"apiVersion":"v1","kind":"Event","type":"Warning","reason":"BackOff","message":"Back-off restarting failed container","count":%d,
		"metadata":{"name":"e","namespace":%q,"uid":"event-1"},"lastTimestamp":%q,
		"involvedObject":{"apiVersion":"v1","kind":"Pod","namespace":%q,"name":"web-5d4f8c7b9d-q5zzv"}}}`,
		count, count, namespace, last.UTC().Format(time.RFC3339), namespace)
}

// TestAlertsAndEventsMeet: what Prometheus and Kubernetes say of one workload is one issue,
// however often and in which order they say it.
func TestAlertsAndEventsMeet(t *testing.T) {
	t.Parallel()
	cfg := StartServer(t, WithTokens(senders), WithAuthorizer(reporters))
	g := StartGateway(t, cfg)
	alert := func(body string) []any {
		code, answer := g.Post(t, editorToken, "/api/v1/webhooks/alertmanager", body)
		require.Equal(t, http.StatusOK, code, answer)
		return answer["results"].([]any)
	}
	event := func(body string) {
		code, content, _ := g.Raw(t, editorToken, "/api/v1/webhooks/cloudevents", "application/cloudevents+json", body)
		require.Equal(t, http.StatusNoContent, code, string(content))
	}
	only := func() *v1alpha1.Issue {
		list, err := Client(t, cfg).IssuesV1alpha1().Issues(namespace).List(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		require.Len(t, list.Items, 1)
		return &list.Items[0]
	}
	at := func(minutes int) time.Time { return observed.Add(time.Duration(minutes) * time.Minute) }

	event(eventOf(1, at(1)))
	require.Equal(t, "Updated", alert(alertOf("firing", at(2), time.Time{}))[0].(map[string]any)["result"])
	require.Equal(t, "Unchanged", alert(alertOf("firing", at(2), time.Time{}))[0].(map[string]any)["result"], "Alertmanager repeats")
	event(eventOf(1, at(1)))
	issue := only()
	require.Equal(t, v1alpha1.IssueScope{APIGroup: "apps", Kind: "Deployment", Name: "web", Namespace: namespace}, issue.Spec.Scope)
	require.Equal(t, "CrashLoop", issue.Spec.Key)
	require.Equal(t, v1alpha1.SeverityCritical, issue.Spec.Severity)
	require.Equal(t, int32(2), issue.Status.Occurrences)

	require.Equal(t, "Resolved", alert(alertOf("resolved", at(2), at(5)))[0].(map[string]any)["result"])
	require.Equal(t, v1alpha1.StateResolved, only().Status.State)
	event(eventOf(2, at(6)))
	issue = only()
	require.Equal(t, v1alpha1.StateActive, issue.Status.State)
	require.Equal(t, int32(1), issue.Status.Reopened)
	require.Equal(t, time.Hour, issue.Spec.ExpiresAfter.Duration)
}

// TestAlertsOfManyNamespaces: the sender's rights decide for each alert.
func TestAlertsOfManyNamespaces(t *testing.T) {
	t.Parallel()
	member := authorizer.AuthorizerFunc(func(ctx context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
		if a.GetUser().GetName() == "stranger" && a.GetResource() == "issuereports" && a.GetNamespace() == namespace {
			return authorizer.DecisionAllow, "", nil
		}
		return reporters.Authorize(ctx, a)
	})
	cfg := StartServer(t, WithTokens(senders), WithAuthorizer(member))
	own := alertOf("firing", observed, time.Time{})
	_, foreign, _ := strings.Cut(strings.ReplaceAll(own, namespace, "team-other"), "[")
	both := strings.Replace(own, "}]}", "},"+foreign, 1)

	code, answer := StartGateway(t, cfg).Post(t, strangerToken, "/api/v1/webhooks/alertmanager", both)
	require.Equal(t, http.StatusForbidden, code, answer)
	refused := answer["errors"].([]any)
	require.Len(t, refused, 1, answer)
	require.Equal(t, "alerts[1]", refused[0].(map[string]any)["field"], answer)
	list, err := Client(t, cfg).IssuesV1alpha1().Issues(metav1.NamespaceAll).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, list.Items, 1)
	require.Equal(t, namespace, list.Items[0].Namespace)
	require.Equal(t, "stranger", list.Items[0].Status.ReportedBy)
}
