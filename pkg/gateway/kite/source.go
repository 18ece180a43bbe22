// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package kite

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-base/version"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/gateway"
	issuesclient "kite.dev/kite/pkg/generated/clientset/versioned/typed/issues/v1alpha1"
	"kite.dev/kite/pkg/rule"
)

// Name of the source.
const Name = "kite"

// Config is what the endpoints work with.
type Config struct {
	// Reports and Issues act as whoever sent the request of a context.
	Reports gateway.Reporter
	Issues  issuesclient.IssuesGetter
	Clock   clock.PassiveClock
	// Settings are asked for at each request, since they can change.
	Settings func() Settings
}

// Settings are what an operator sets.
type Settings struct {
	// LogURL leads to the log of a run, with {namespace} and {run}; or is empty.
	LogURL string
	// Rules find groups, causes, severities and origins.
	Rules *rule.Set
}

type webhooks struct{ Config }

// Sources are KITE's endpoints.
func Sources(config Config) []gateway.Source {
	config.Reports = gateway.Counted(Name, config.Reports)
	h := &webhooks{config}
	webhook := func(name string, handler gateway.Handler) gateway.Source {
		return gateway.Source{Name: Name, Pattern: "/api/v1/webhooks/" + name, Handler: handler}
	}
	return []gateway.Source{
		webhook("pipeline-failure", func(w http.ResponseWriter, r *http.Request) error { return h.fail(w, r, &pipelineFailure{}) }),
		webhook("pipeline-success", func(w http.ResponseWriter, r *http.Request) error { return h.recover(w, r, &pipelineSuccess{}) }),
		webhook("mintmaker-custom", h.mintmaker),
		webhook("release-failure", func(w http.ResponseWriter, r *http.Request) error { return h.fail(w, r, &releaseFailure{}) }),
		webhook("release-success", func(w http.ResponseWriter, r *http.Request) error { return h.recover(w, r, &releaseSuccess{}) }),
		{Name: Name + "-health", Pattern: "/api/v1/health", Method: http.MethodGet, Unbounded: true, Admit: h.anybody},
	}
}

// mintmaker is a failure only where there are logs.
func (h *webhooks) mintmaker(w http.ResponseWriter, r *http.Request) error {
	in := &mintmakerCustom{}
	if err := h.read(r, in); err != nil {
		return err
	}
	if len(in.Logs) == 0 {
		return gateway.WriteJSON(w, http.StatusOK, map[string]string{"info": "No logs provided, no issue created"})
	}
	return h.open(w, r, in)
}

func (h *webhooks) fail(w http.ResponseWriter, r *http.Request, in failure) error {
	if err := h.read(r, in); err != nil {
		return err
	}
	return h.open(w, r, in)
}

func (h *webhooks) open(w http.ResponseWriter, r *http.Request, in failure) error {
	namespace := in.common().Namespace
	spec, err := h.specOf(r, in)
	if err != nil {
		return err
	}
	status, err := h.Reports.Failed(r.Context(), namespace, spec)
	if err != nil {
		return err
	}
	made := h.issue(r.Context(), expected(namespace, &spec, &status))
	return gateway.WriteJSON(w, http.StatusCreated, accepted{Status: "success", Issue: issueOf(made, in)})
}

// issue is the issue as it is, where the sender may read it. The report has been taken, so
// that no error of this matters.
func (h *webhooks) issue(ctx context.Context, want *issuesv1alpha1.Issue) *issuesv1alpha1.Issue {
	have, err := h.Issues.Issues(want.Namespace).Get(ctx, want.Name, metav1.GetOptions{})
	if err != nil {
		klog.FromContext(ctx).V(4).Info("Answering with what was reported", "issue", klog.KObj(want), "reason", err.Error())
		return want
	}
	return have
}

func (h *webhooks) recover(w http.ResponseWriter, r *http.Request, in recovery) error {
	if err := h.read(r, in); err != nil {
		return err
	}
	spec, err := h.specOf(r, in)
	if err != nil {
		return err
	}
	status, err := h.Reports.Succeeded(r.Context(), in.common().Namespace, spec)
	if err != nil {
		return err
	}
	count := 0
	if status.Result == issuesv1alpha1.ResultResolved {
		count = len(status.Issues)
	}
	message := fmt.Sprintf("Resolved %d issue(s) for %s", count, in.subject())
	return gateway.WriteJSON(w, http.StatusOK, resolved{Status: "success", Message: message})
}

// read returns everything that is wrong.
func (h *webhooks) read(r *http.Request, in payload) error {
	wrong, err := gateway.ReadJSON(r, in)
	if err != nil {
		return err
	}
	m := &mistakes{errors: wrong}
	in.check(m)
	m.namespace(in.common().Namespace, r.URL.Query().Get("namespace"))
	if err := m.problem(); err != nil {
		return err
	}
	gateway.LogNamespace(r.Context(), in.common().Namespace)
	return nil
}

func (h *webhooks) specOf(r *http.Request, in payload) (issuesv1alpha1.IssueReportSpec, error) {
	key, err := gateway.IdempotencyKey(r)
	if err != nil {
		return issuesv1alpha1.IssueReportSpec{}, err
	}
	spec := in.report(key, func(run string) string { return h.logURL(in.common().Namespace, run) })
	if in, ok := in.(failure); ok {
		h.diagnose(&spec.Issue, in.log())
	}
	observed := metav1.NewMicroTime(h.Clock.Now())
	if at := in.common().ObservedAt; at != nil {
		observed = metav1.NewMicroTime(*at)
	}
	spec.ObservedAt = &observed
	return spec, nil
}

// diagnose adds what rules find. KITE's titles stay as they are.
func (h *webhooks) diagnose(issue *issuesv1alpha1.ReportedIssue, log string) {
	found := h.Settings().Rules.Examine(rule.Evidence{Type: issue.Type, Title: issue.Title, Severity: issue.Severity, Log: log})
	issue.GroupKey, issue.Cause, issue.Severity = found.GroupKey, found.Cause, found.Severity
	issue.Origin = cmp.Or(issue.Origin, found.Origin)
	issue.Links = append(issue.Links, found.Links...)
}

func (h *webhooks) logURL(namespace, run string) string {
	return strings.NewReplacer("{namespace}", url.PathEscape(namespace), "{run}", url.PathEscape(run)).Replace(h.Settings().LogURL)
}

// health says what senders ask before they send. That the API is away they learn when they
// send, and are told to come back.
func (h *webhooks) health(w http.ResponseWriter, _ *http.Request) error {
	return gateway.WriteJSON(w, http.StatusOK, map[string]any{
		"status": "UP", "message": "Kite takes reports", "timestamp": h.Clock.Now().UTC(),
		"components": map[string]any{"api": map[string]string{"version": version.Get().GitVersion}},
	})
}

// anybody is known by the address only, of which the rate is bound.
func (h *webhooks) anybody(r *http.Request) (string, gateway.Handler, error) {
	return remote(r), h.health, nil
}

// remote is whoever is at the other end of the connection.
func remote(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
