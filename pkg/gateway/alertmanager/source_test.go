// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package alertmanager

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	clocktesting "k8s.io/utils/clock/testing"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/config"
	"kite.dev/kite/pkg/gateway"
	"kite.dev/kite/pkg/gateway/gatewaytest"
	"kite.dev/kite/pkg/report"
)

const path = "/api/v1/webhooks/alertmanager"

var starts = gatewaytest.Now.Add(-time.Hour)

func newServer(t testing.TB) *gatewaytest.Server {
	t.Helper()
	settings := Settings{Symptoms: gatewaytest.Symptoms(t), Monitoring: sets.New("monitoring")}
	return gatewaytest.New(func(r gateway.Reporter, clock *clocktesting.FakePassiveClock) []gateway.Source {
		return []gateway.Source{Source(Config{Reports: r, Clock: clock, Settings: func() Settings { return settings }})}
	})
}

// firing is an alert with labels given as pairs.
func firing(name string, pairs ...string) alert {
	a := alert{Status: "firing", Labels: labels{"alertname": name}, StartsAt: starts, Fingerprint: "f1"}
	for i := 0; i+1 < len(pairs); i += 2 {
		a.Labels[pairs[i]] = pairs[i+1]
	}
	return a
}

func resolved(a alert) alert {
	a.Status, a.EndsAt = "resolved", starts.Add(time.Minute)
	return a
}

func body(t testing.TB, alerts ...alert) string {
	t.Helper()
	data, err := json.Marshal(notification{Version: "4", ExternalURL: "https://alertmanager.example", Alerts: alerts})
	require.NoError(t, err)
	return string(data)
}

// TestReport is one alert of kube-prometheus, as Alertmanager sends it.
func TestReport(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	w := s.Post(t, path, `{
  "receiver": "kite", "status": "firing", "version": "4", "truncatedAlerts": 0,
  "groupKey": "{}:{alertname=\"KubePodCrashLooping\"}", "groupLabels": {"alertname": "KubePodCrashLooping"},
  "commonLabels": {}, "commonAnnotations": {}, "externalURL": "https://alertmanager.example",
  "alerts": [{
    "status": "firing",
    "labels": {"alertname": "KubePodCrashLooping", "container": "web", "namespace": "team-gamma", "pod": "web-5d4f8c7b9d-x7k2p", "severity": "warning"},
    "annotations": {
      "description": "Pod team-gamma/web-5d4f8c7b9d-x7k2p (web) is in waiting state (reason: CrashLoopBackOff).",
      "runbook_url": "https://runbooks.example/KubePodCrashLooping", "summary": "Pod is crash looping."},
    "startsAt": "2026-03-01T11:00:00.5Z", "endsAt": "0001-01-01T00:00:00Z",
    "generatorURL": "https://prometheus.example/graph?g0.expr=x", "fingerprint": "0a1b2c3d4e5f6071"
  }]}`)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.JSONEq(t, `{"results":[{"field":"alerts[0]","namespace":"team-gamma","result":"Created","issue":"issue-1"}]}`, w.Body.String())
	require.Len(t, s.Reports(), 1)
	observed := metav1.NewMicroTime(starts.Add(500 * time.Millisecond))
	require.Equal(t, "team-gamma", s.Reports()[0].Namespace)
	require.Empty(t, cmp.Diff(issuesv1alpha1.IssueReportSpec{
		Outcome: issuesv1alpha1.OutcomeFailed, ObservedAt: &observed,
		Issue: issuesv1alpha1.ReportedIssue{
			Title: "Deployment web: a container crashes again and again",
			Description: "Pod team-gamma/web-5d4f8c7b9d-x7k2p (web) is in waiting state (reason: CrashLoopBackOff).\n\n" +
				"Labels of the alert:\n- alertname: KubePodCrashLooping\n- container: web\n- namespace: team-gamma\n" +
				"- pod: web-5d4f8c7b9d-x7k2p\n- severity: warning\n",
			Type: issuesv1alpha1.TypeRuntime, Severity: issuesv1alpha1.SeverityMinor, Key: "CrashLoop", Cause: "KubePodCrashLooping",
			Scope: issuesv1alpha1.IssueScope{APIGroup: "apps", Kind: "Deployment", Name: "web"},
			Links: []issuesv1alpha1.IssueLink{
				{Title: "Runbook", URL: "https://runbooks.example/KubePodCrashLooping", Kind: issuesv1alpha1.LinkDocumentation},
				{Title: "Query of the alert", URL: "https://prometheus.example/graph?g0.expr=x", Kind: issuesv1alpha1.LinkOther},
				{Title: "Alertmanager", URL: "https://alertmanager.example", Kind: issuesv1alpha1.LinkOther},
			},
		},
		Run: &issuesv1alpha1.IssueRun{Kind: "Alert", Name: "KubePodCrashLooping", UID: "0a1b2c3d4e5f6071-1772362800500000000"},
	}, s.Reports()[0].Spec))
	gatewaytest.RequireValid(t, s.Reports())
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		alert  alert
		want   string
	}{
		"Namespace":  {"the alert's own", firing("A", "namespace", "team", "deployment", "web"), "team apps/Deployment/web A"},
		"Exported":   {"the exporter's namespace is not meant", firing("A", "namespace", "monitoring", "exported_namespace", "team", "deployment", "web"), "team apps/Deployment/web A"},
		"ExportedIn": {"nor its pod", firing("A", "namespace", "monitoring", "exported_namespace", "team", "pod", "kube-state-metrics-0"), "team /Namespace/team A"},
		"ExportedPo": {"the alert's own", firing("A", "exported_namespace", "team", "exported_pod", "db-0", "pod", "exporter-0"), "team apps/StatefulSet/db A"},
		"Forged":     {"a tenant's metrics speak of no other namespace", firing("A", "namespace", "evil", "exported_namespace", "team"), "evil /Namespace/evil A"},
		"ForgedPod":  {"the program's own pod", firing("A", "namespace", "evil", "exported_namespace", "team", "pod", "db-0"), "evil apps/StatefulSet/db A"},
		"Unknown":    {"an exporter that nobody named: workloads of one name stay apart", firing("A", "namespace", "exporters", "exported_namespace", "team", "deployment", "web"), "exporters apps/Deployment/team/web A"},
		"UnknownPod": {"the same for pods", firing("A", "namespace", "exporters", "exported_namespace", "team", "pod", "x-0", "exported_pod", "db-0"), "exporters apps/StatefulSet/team/db A"},
		"NoName":     {"a label of the application's own", firing("A", "namespace", "team", "exported_namespace", "Shop.Orders", "deployment", "web"), "team apps/Deployment/web A"},
		"Job":        {"Prometheus' job is no Job", firing("KubeJobFailed", "namespace", "team", "job", "kube-state-metrics", "job_name", "backup-29112345"), "team batch/CronJob/backup JobFailed"},
		"NoJob":      {"Prometheus' job is no Job", firing("A", "namespace", "team", "job", "web"), "team /Namespace/team A"},
		"Workload":   {"as recording rules join it", firing("A", "namespace", "team", "pod", "db-0", "workload", "db", "workload_type", "statefulset"), "team apps/StatefulSet/db A"},
		"Owner":      {"the owner's owner, by its name", firing("A", "namespace", "team", "owner_kind", "ReplicaSet", "owner_name", "web-5d4f8c7b9d"), "team apps/Deployment/web A"},
		"Claim":      {"a claim", firing("KubePersistentVolumeFillingUp", "namespace", "team", "persistentvolumeclaim", "data"), "team /PersistentVolumeClaim/data VolumeFull"},
		"Subject":    {"a kind that no label names, by the symptom's rule", firing("CertManagerCertNotReady", "namespace", "team", "name", "web", "pod", "cert-manager-5d4f8c7b9d-x7k2p"), "team cert-manager.io/Certificate/web NotReady"},
		"NoSubject":  {"the rule's label is not there", firing("CertManagerCertNotReady", "namespace", "team"), "team /Namespace/team NotReady"},
		"Stateful":   {"a symptom of many alerts", firing("KubeStatefulSetReplicasMismatch", "namespace", "team", "statefulset", "db"), "team apps/StatefulSet/db NotAvailable"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			require.Equal(t, http.StatusOK, s.Post(t, path, body(t, tc.alert)).Code)
			require.Equal(t, http.StatusOK, s.Post(t, path, body(t, resolved(tc.alert))).Code)
			require.Len(t, s.Reports(), 2)
			for _, r := range s.Reports() {
				issue := r.Spec.Issue
				name := strings.TrimPrefix(issue.Scope.Namespace+"/"+issue.Scope.Name, "/")
				have := fmt.Sprintf("%s %s/%s/%s %s", r.Namespace, issue.Scope.APIGroup, issue.Scope.Kind, name, issue.Key)
				require.Equal(t, tc.want, have, tc.reason)
			}
			require.Equal(t, issuesv1alpha1.OutcomeSucceeded, s.Reports()[1].Spec.Outcome)
			require.Equal(t, s.Reports()[0].Spec.Run.UID, s.Reports()[1].Spec.Run.UID)
		})
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	s, over := newServer(t), resolved(firing("A", "namespace", "team"))
	unknown := over
	unknown.EndsAt = time.Time{}
	require.Equal(t, http.StatusOK, s.Post(t, path, body(t, over)).Code)
	require.Equal(t, http.StatusOK, s.Post(t, path, body(t, unknown)).Code)
	require.True(t, s.Reports()[0].Spec.ObservedAt.Time.Equal(over.EndsAt))
	require.True(t, s.Reports()[1].Spec.ObservedAt.Time.Equal(gatewaytest.Now), "Alertmanager does not know when")

	again := firing("A", "namespace", "team")
	again.StartsAt = starts.Add(time.Minute)
	nameless := firing("A", "namespace", "team")
	nameless.Fingerprint = ""
	require.NotEqual(t, resolvedUID(t, over), resolvedUID(t, again), "it fires a second time")
	require.Equal(t, resolvedUID(t, nameless), resolvedUID(t, resolved(nameless)))
	require.NotEqual(t, resolvedUID(t, nameless), resolvedUID(t, over))
}

func resolvedUID(t testing.TB, a alert) string {
	t.Helper()
	return string(a.identity())
}

// TestOtherPodsStillFire: a workload recovers when none of its pods has the problem.
func TestOtherPodsStillFire(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	one := firing("KubePodCrashLooping", "namespace", "team", "pod", "web-5d4f8c7b9d-x7k2p")
	other := firing("KubePodCrashLooping", "namespace", "team", "pod", "web-5d4f8c7b9d-q5zzv")
	elsewhere := firing("KubePodCrashLooping", "namespace", "team-other", "pod", "web-5d4f8c7b9d-q5zzv")
	w := s.Post(t, path, body(t, resolved(one), other, resolved(elsewhere)))
	require.Equal(t, http.StatusOK, w.Code)
	require.Contains(t, w.Body.String(), "another alert of the same problem fires")
	require.Len(t, s.Reports(), 2)
	require.Equal(t, issuesv1alpha1.OutcomeFailed, s.Reports()[0].Spec.Outcome)
	require.Equal(t, "team-other", s.Reports()[1].Namespace)
}

// TestOtherAlertsOfTheSymptomFire: two alerts are one problem, which lasts as long as one of
// them does.
func TestOtherAlertsOfTheSymptomFire(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	stuck := firing("KubeDeploymentRolloutStuck", "namespace", "team", "deployment", "web")
	mismatch := firing("KubeDeploymentReplicasMismatch", "namespace", "team", "deployment", "web")
	w := s.Post(t, path, body(t, resolved(stuck), mismatch))
	require.Equal(t, http.StatusOK, w.Code)
	require.Contains(t, w.Body.String(), "another alert of the same problem fires")
	require.Len(t, s.Reports(), 1)
	require.Equal(t, issuesv1alpha1.OutcomeFailed, s.Reports()[0].Spec.Outcome)
	require.Equal(t, http.StatusOK, s.Post(t, path, body(t, resolved(mismatch))).Code)
	require.Equal(t, issuesv1alpha1.OutcomeSucceeded, s.Reports()[1].Spec.Outcome)
}

func TestNothingToReport(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	w := s.Post(t, path, body(t, firing("Watchdog"), firing("A", "namespace", "Not A Name"), firing("A", "namespace", "team", "pod", "build-compile-pod")))
	require.Equal(t, http.StatusOK, w.Code, "Alertmanager would say that it failed")
	require.Equal(t, 3, strings.Count(w.Body.String(), "Skipped"))
	require.Equal(t, http.StatusOK, s.Post(t, path, body(t)).Code)
	require.Empty(t, s.Reports())
}

// TestWrongAlert: one that cannot be reported does not lose the others.
func TestWrongAlert(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	nameless, timeless := firing("", "namespace", "team"), firing("A", "namespace", "team")
	timeless.StartsAt, timeless.Status = time.Time{}, "x"
	w := s.Post(t, path, body(t, nameless, firing("B", "namespace", "team"), timeless))
	require.Len(t, s.Reports(), 1)
	require.Equal(t, "B", s.Reports()[0].Spec.Issue.Key)
	for _, field := range []string{"alerts[0].labels.alertname", "alerts[2].status", "alerts[2].startsAt"} {
		require.Contains(t, w.Body.String(), fmt.Sprintf("%q", field))
	}
	require.NotContains(t, w.Body.String(), "alerts[1]")
	require.Equal(t, http.StatusBadRequest, w.Code, "success means that all were taken")
}

// TestTooManyAreSentAgain: Alertmanager repeats what was answered with 5xx, and nothing
// else.
func TestTooManyAreSentAgain(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := &gateway.Configuration{}
	config.Default(c)
	for range *c.Limits.SenderBurst {
		require.Equal(t, http.StatusOK, s.Post(t, path, body(t)).Code)
	}
	w := s.Post(t, path, body(t))
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.NotEmpty(t, w.Header().Get("Retry-After"))
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for reason, text := range map[string]string{
		"no JSON": "x", "another version": `{"version":"3","alerts":[]}`, "no object": "[]",
		"an alert without name": `{"version":"4","alerts":[{"status":"firing","startsAt":"2026-03-01T11:00:00Z","labels":{"namespace":"team"}}]}`,
		"an unknown status":     `{"version":"4","alerts":[{"status":"x","startsAt":"2026-03-01T11:00:00Z","labels":{"alertname":"A","namespace":"team"}}]}`,
		"no start":              `{"version":"4","alerts":[{"status":"firing","labels":{"alertname":"A","namespace":"team"}}]}`,
		"labels of numbers":     `{"version":"4","alerts":[{"status":"firing","startsAt":"2026-03-01T11:00:00Z","labels":{"alertname":7}}]}`,
	} {
		require.Equal(t, http.StatusBadRequest, s.Post(t, path, text).Code, reason)
	}
	require.Empty(t, s.Reports())
}

// TestTooManyAlerts: nothing is made of more alerts than a notification may have.
func TestTooManyAlerts(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	list := func(n int) string {
		return `{"version":"4","alerts":[` + strings.TrimSuffix(strings.Repeat("{},", n), ",") + "]}"
	}
	require.Equal(t, http.StatusOK, s.Post(t, path, list(maxAlerts)).Code)
	for _, n := range []int{maxAlerts + 1, 80_000} {
		w := s.Post(t, path, list(n))
		require.Equal(t, http.StatusRequestEntityTooLarge, w.Code)
		require.Contains(t, w.Body.String(), "more than 1000 alerts")
		require.Less(t, w.Body.Len(), 1000)
	}
	for body, field := range map[string]string{`[{"labels":{"alertname":7}}]`: "alerts.labels", "7": "alerts"} {
		w := s.Post(t, path, `{"version":"4","alerts":`+body+"}")
		require.Contains(t, w.Body.String(), fmt.Sprintf("%q", field), "a field has its whole path")
	}
}

func FuzzNotifications(f *testing.F) {
	for _, seed := range []string{
		`{"version":"4","alerts":[{"status":"firing","startsAt":"2026-03-01T11:00:00Z","labels":{"alertname":"KubePodCrashLooping","namespace":"t","pod":"web-5d4f8c7b9d-x7k2p"}}]}`,
		`{"version":"4","externalURL":"http://a","alerts":[{"status":"resolved","startsAt":"2026-03-01T11:00:00Z","endsAt":"2026-03-01T12:00:00Z","fingerprint":"f",` +
			`"labels":{"alertname":"a/b","exported_namespace":"t","deployment":"x/y","severity":"page"},"annotations":{"summary":"s","runbook_url":"u"}}]}`,
		"{}", "[]", "{",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := newServer(t)
		code := s.Post(t, path, text).Code
		require.Contains(t, []int{http.StatusOK, http.StatusBadRequest}, code)
		gatewaytest.RequireValid(t, s.Reports())
	})
}

// FuzzLabels: whatever labels say, the alert has a problem that the API takes, the same when
// it is over.
func FuzzLabels(f *testing.F) {
	f.Add("deployment", "web", "exported_namespace", "team", "monitoring")
	f.Add("pod", "web-5d4f8c7b9d-x7k2p", "exported_pod", "db-0", "team")
	f.Add("owner_kind", "ReplicaSet", "owner_name", "a/b", "team")
	f.Add("workload_type", "pod", "workload", "..", "team")
	f.Add("fingerprint", "\x00", "severity", "page", "team")
	settings := Settings{Symptoms: gatewaytest.Symptoms(f), Monitoring: sets.New("monitoring")}
	f.Fuzz(func(t *testing.T, one, oneIs, other, otherIs, namespace string) {
		fires := firing("A", "namespace", namespace, strings.ToValidUTF8(one, ""), strings.ToValidUTF8(oneIs, ""),
			strings.ToValidUTF8(other, ""), strings.ToValidUTF8(otherIs, ""))
		of := settings.problemOf(&fires)
		if fires.check() != nil || fires.skipped(of.namespace) != "" {
			return
		}
		over := resolved(fires)
		require.Equal(t, of, settings.problemOf(&over))
		reports := []report.Report{}
		for _, a := range []*alert{&fires, &over} {
			spec := a.spec(of, settings.Symptoms, "", gatewaytest.Now)
			require.Equal(t, [2]any{of.scope, of.key}, [2]any{spec.Issue.Scope, spec.Issue.Key})
			reports = append(reports, report.Report{Namespace: of.namespace, Spec: spec})
		}
		gatewaytest.RequireValid(t, reports)
	})
}
