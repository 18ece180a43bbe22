// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package cloudevents

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/gateway"
	"kite.dev/kite/pkg/gateway/gatewaytest"
)

const path = "/api/v1/webhooks/cloudevents"

// backOff is an event as kubelet writes it.
const backOff = `{
  "apiVersion": "v1", "kind": "Event", "type": "Warning", "reason": "BackOff",
  "metadata": {"name": "web-5d4f8c7b9d-x7k2p.18a", "namespace": "team-gamma", "uid": "event-uid", "creationTimestamp": "2026-03-01T10:00:00Z"},
  "involvedObject": {"apiVersion": "v1", "kind": "Pod", "name": "web-5d4f8c7b9d-x7k2p", "namespace": "team-gamma", "uid": "pod-uid"},
  "message": "Back-off restarting failed container web in pod web-5d4f8c7b9d-x7k2p", "count": 7,
  "firstTimestamp": "2026-03-01T10:00:00Z", "lastTimestamp": "2026-03-01T11:00:00Z", "source": {"component": "kubelet"}
}`

func newServer(t testing.TB) *gatewaytest.Server {
	t.Helper()
	settings := Settings{Symptoms: gatewaytest.Symptoms(t), Expiry: time.Hour}
	return gatewaytest.New(func(r gateway.Reporter, clock *clocktesting.FakePassiveClock) []gateway.Source {
		return []gateway.Source{Source(Config{Reports: r, Clock: clock, Settings: func() Settings { return settings }})}
	})
}

var binary = []string{
	"Content-Type", "application/json", "Ce-Specversion", "1.0", "Ce-Id", "1", "Ce-Source", "https://10.0.0.1:443",
	"Ce-Type", "dev.knative.apiserver.resource.update",
}

func structured(data string) string {
	return `{"specversion":"1.0","id":"1","source":"/apis","type":"dev.knative.apiserver.resource.add","datacontenttype":"application/json","data":` + data + "}"
}

// TestModes: the same event in each form that CloudEvents has.
func TestModes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body    string
		headers []string
	}{
		"Binary":     {backOff, binary},
		"Structured": {structured(backOff), []string{"Content-Type", "application/cloudevents+json; charset=utf-8"}},
		"Batch":      {"[" + structured(backOff) + "]", []string{"Content-Type", "application/cloudevents-batch+json"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			w := s.Post(t, path, tc.body, tc.headers...)
			require.Equal(t, http.StatusNoContent, w.Code, w.Body)
			require.Empty(t, w.Body.Bytes(), "a body would be taken for an event")
			require.Len(t, s.Reports(), 1)
			observed := metav1.NewMicroTime(gatewaytest.Now.Add(-time.Hour))
			require.Equal(t, "team-gamma", s.Reports()[0].Namespace)
			require.Empty(t, cmp.Diff(issuesv1alpha1.IssueReportSpec{
				Outcome: issuesv1alpha1.OutcomeFailed, ObservedAt: &observed,
				Issue: issuesv1alpha1.ReportedIssue{
					Title:       "Deployment web: a container crashes again and again",
					Description: "Back-off restarting failed container web in pod web-5d4f8c7b9d-x7k2p\n\nBackOff of Pod web-5d4f8c7b9d-x7k2p",
					Type:        issuesv1alpha1.TypeRuntime, Severity: issuesv1alpha1.SeverityMajor, Key: "CrashLoop", Cause: "BackOff",
					Scope:        issuesv1alpha1.IssueScope{APIGroup: "apps", Kind: "Deployment", Name: "web"},
					ExpiresAfter: &metav1.Duration{Duration: time.Hour},
				},
				Run: &issuesv1alpha1.IssueRun{Kind: "Event", Name: "web-5d4f8c7b9d-x7k2p.18a", UID: "event-uid-7"},
			}, s.Reports()[0].Spec))
			gatewaytest.RequireValid(t, s.Reports())
		})
	}
}

// kube is an event with what is given in place of backOff's.
func kube(t testing.TB, with string) string {
	t.Helper()
	event := map[string]any{}
	require.NoError(t, json.Unmarshal([]byte(backOff), &event))
	require.NoError(t, json.Unmarshal([]byte(with), &event))
	data, err := json.Marshal(event)
	require.NoError(t, err)
	return string(data)
}

func TestEvents(t *testing.T) {
	t.Parallel()
	const job = `{"apiVersion":"batch/v1","kind":"Job","name":"migrate","namespace":"team-gamma","uid":"job-uid"}`
	cases := map[string]struct {
		reason string
		with   string
		want   string
	}{
		"ImagePull":   {"the same reason of kubelet", `{"message":"Back-off pulling image \"x\""}`, "Failed apps/Deployment/web ImagePull  event-uid-7"},
		"Pulled":      {"the image is there", `{"type":"Normal","reason":"Pulled"}`, "Succeeded apps/Deployment/web ImagePull  event-uid-7"},
		"Job":         {"its own UID lets the issue end with it", `{"reason":"BackoffLimitExceeded","involvedObject":` + job + `}`, "Failed batch/Job/migrate JobFailed job-uid event-uid-7"},
		"Completed":   {"the Job recovers", `{"type":"Normal","reason":"Completed","involvedObject":` + job + `}`, "Succeeded batch/Job/migrate JobFailed job-uid event-uid-7"},
		"Unknown":     {"no symptom", `{"reason":"Sync"}`, ""},
		"Normal":      {"a Normal event fails nothing", `{"type":"Normal"}`, ""},
		"Cluster":     {"nodes belong to no team", `{"involvedObject":{"kind":"Node","name":"n1"}}`, ""},
		"Series":      {"counted by a series", `{"count":0,"series":{"count":3,"lastObservedTime":"2026-03-01T11:30:00.000000Z"}}`, "Failed apps/Deployment/web CrashLoop  event-uid-3"},
		"NoUID":       {"the CloudEvent's own", `{"metadata":{"name":"x","namespace":"team-gamma"}}`, "Failed apps/Deployment/web CrashLoop  digest"},
		"TaskRun":     {"a controller reports it", `{"involvedObject":{"kind":"Pod","namespace":"team-gamma","name":"build-compile-pod"}}`, ""},
		"Foreign":     {"who writes events here says nothing of other namespaces", `{"metadata":{"name":"x","namespace":"team-evil"}}`, ""},
		"NoReference": {"of nothing", `{"involvedObject":{"namespace":"team-gamma"}}`, ""},
		"NoEvent":     {"another resource", `{"kind":"Pod"}`, ""},
		"EventsV1": {
			"the newer kind", `{"apiVersion":"events.k8s.io/v1","involvedObject":{},"message":"","count":0,"lastTimestamp":null,"note":"Back-off restarting failed container",` +
				`"eventTime":"2026-03-01T11:20:00.000000Z","deprecatedCount":2,` +
				`"regarding":{"kind":"Pod","name":"agent","namespace":"team-gamma","uid":"pod-uid"}}`,
			"Failed /Pod/agent CrashLoop pod-uid event-uid-2",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			require.Equal(t, http.StatusNoContent, s.Post(t, path, kube(t, tc.with), binary...).Code, tc.reason)
			if tc.want == "" {
				require.Empty(t, s.Reports(), tc.reason)
				return
			}
			require.Len(t, s.Reports(), 1, tc.reason)
			spec := s.Reports()[0].Spec
			scope, uid := spec.Issue.Scope, string(spec.Run.UID)
			if len(uid) == 64 {
				uid = "digest"
			}
			require.Equal(t, tc.want, fmt.Sprintf("%s %s/%s/%s %s %s %s",
				spec.Outcome, scope.APIGroup, scope.Kind, scope.Name, spec.Issue.Key, scope.UID, uid), tc.reason)
			require.Equal(t, spec.Outcome == issuesv1alpha1.OutcomeFailed, spec.Issue.ExpiresAfter != nil)
			gatewaytest.RequireValid(t, s.Reports())
		})
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	for with, want := range map[string]string{
		`{}`: "11:00", `{"series":{"lastObservedTime":"2026-03-01T11:30:00.000000Z"}}`: "11:30",
		`{"lastTimestamp":null}`: "10:00",
		`{"lastTimestamp":null,"metadata":{"name":"x","namespace":"team-gamma"}}`:                                       "12:00",
		`{"lastTimestamp":null,"eventTime":"2026-03-01T11:20:00.000000Z"}`:                                              "11:20",
		`{"lastTimestamp":null,"deprecatedLastTimestamp":"2026-03-01T11:10:00Z","metadata":{"namespace":"team-gamma"}}`: "11:10",
	} {
		s := newServer(t)
		require.Equal(t, http.StatusNoContent, s.Post(t, path, kube(t, with), binary...).Code)
		require.Equal(t, want, s.Reports()[0].Spec.ObservedAt.UTC().Format("15:04"), with)
	}
	s := newServer(t)
	sent := append([]string{"Ce-Time", "2026-03-01T11:40:00Z"}, binary...)
	require.Equal(t, http.StatusNoContent, s.Post(t, path, kube(t, `{"lastTimestamp":null,"metadata":{"namespace":"team-gamma"}}`), sent...).Code)
	require.Equal(t, "11:40", s.Reports()[0].Spec.ObservedAt.UTC().Format("15:04"))
}

func TestForgottenEvents(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	headers := append([]string{}, binary...)
	headers[len(headers)-1] = "dev.knative.apiserver.resource.delete"
	require.Equal(t, http.StatusNoContent, s.Post(t, path, backOff, headers...).Code)
	require.Empty(t, s.Reports())
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	batch := []string{"Content-Type", "application/cloudevents-batch+json"}
	cases := map[string]struct {
		reason  string
		body    string
		headers []string
		want    int
	}{
		"NoCloudEvent": {"an Event without envelope", backOff, []string{"Content-Type", "application/json"}, http.StatusUnsupportedMediaType},
		"NoID":         {"a required attribute", backOff, append(append([]string{}, binary...), "Ce-Id", ""), http.StatusBadRequest},
		"Nameless":     {"an attribute has a name", backOff, append(append([]string{}, binary...), "Ce-", "x"), http.StatusBadRequest},
		"Version":      {"no version of CloudEvents", backOff, append(append([]string{}, binary...), "Ce-Specversion", "9"), http.StatusUnsupportedMediaType},
		"Structured":   {"no JSON", "{", []string{"Content-Type", "application/cloudevents+json"}, http.StatusBadRequest},
		"Batch":        {"no list", "{}", batch, http.StatusBadRequest},
		"Many":         {"more than a batch holds", "[" + repeat(structured("7"), maxEvents+1) + "]", batch, http.StatusRequestEntityTooLarge},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			w := s.Post(t, path, tc.body, tc.headers...)
			require.Equal(t, tc.want, w.Code, "%s: %s", tc.reason, w.Body)
			require.Empty(t, s.Reports())
		})
	}
}

func repeat(text string, n int) string {
	out := text
	for range n - 1 {
		out += "," + text
	}
	return out
}

func TestNothingAcknowledgedIsLost(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.Err = apierrors.NewServiceUnavailable("away")
	w := s.Post(t, path, backOff, binary...)
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.NotEmpty(t, w.Header().Get("Retry-After"))
}

func FuzzEvents(f *testing.F) {
	f.Add(backOff, "application/json", "1.0")
	f.Add(structured(backOff), "application/cloudevents+json", "")
	f.Add("["+structured(backOff)+"]", "application/cloudevents-batch+json", "")
	f.Add(structured(`"text"`), "application/cloudevents+json", "")
	f.Add(`{"specversion":"0.3","data_base64":"eA==","extension":{}}`, "application/cloudevents+json", "")
	f.Fuzz(func(t *testing.T, body, contentType, version string) {
		headers := []string{"Content-Type", contentType, "Ce-Id", "1", "Ce-Source", "/s", "Ce-Type", "t"}
		if version != "" {
			headers = append(headers, "Ce-Specversion", version)
		}
		requireAnswered(t, body, headers)
	})
}

// FuzzAttributes: those of an event that is one of Kubernetes' for the rest.
func FuzzAttributes(f *testing.F) {
	f.Add("1", "/apis", "dev.knative.apiserver.resource.add", "2026-03-01T11:40:00Z", "Subject", "x")
	f.Add("", "", "", "", "", "")
	f.Add("\x00", "://", "t", "0000-01-01T00:00:00Z", "Extension1", "\xff")
	f.Add("%41", "%zz", ".delete", "9999-12-31T23:59:60Z", "Dataschema", ":")
	nameless := `{"kind":"Event","apiVersion":"v1","type":"Warning","reason":"BackOff","message":"Back-off restarting failed container",` +
		`"metadata":{"namespace":"team-gamma"},"involvedObject":{"kind":"Pod","name":"web","namespace":"team-gamma"}}`
	f.Fuzz(func(t *testing.T, id, source, kind, at, extension, value string) {
		requireAnswered(t, nameless, []string{
			"Content-Type", "application/json", "Ce-Specversion", "1.0", "Ce-Id", id, "Ce-Source", source, "Ce-Type", kind,
			"Ce-Time", at, "Ce-" + extension, value,
		})
	})
}

// requireAnswered: the request is refused, or reported as the API takes it.
func requireAnswered(t *testing.T, body string, headers []string) {
	t.Helper()
	s := newServer(t)
	w := s.Post(t, path, body, headers...)
	require.Contains(t, []int{
		http.StatusNoContent, http.StatusBadRequest, http.StatusUnsupportedMediaType, http.StatusRequestEntityTooLarge,
	}, w.Code, w.Body)
	gatewaytest.RequireValid(t, s.Reports())
}
