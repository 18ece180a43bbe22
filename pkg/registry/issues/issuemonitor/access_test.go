// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuemonitor

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"

	"kite.dev/kite/pkg/apis/issues"
)

// question is what an authorizer is asked about a resource.
type question struct{ user, verb, namespace, group, version, resource, name string }

// asked answers questions, and keeps them.
type asked struct {
	answer func(question) (authorizer.Decision, error)
	got    []question
}

func (a *asked) access() access {
	return access{authorizer.AuthorizerFunc(func(_ context.Context, attributes authorizer.Attributes) (authorizer.Decision, string, error) {
		q := question{
			attributes.GetUser().GetName(), attributes.GetVerb(), attributes.GetNamespace(), attributes.GetAPIGroup(),
			attributes.GetAPIVersion(), attributes.GetResource(), attributes.GetName(),
		}
		a.got = append(a.got, q)
		decision, err := a.answer(q)
		return decision, "", err
	})}
}

func allow(question) (authorizer.Decision, error) { return authorizer.DecisionAllow, nil }

func byDana(ctx context.Context) context.Context {
	return genericapirequest.WithUser(ctx, &user.DefaultInfo{Name: "dana"})
}

// TestAccessAsks for exactly what kite-controllers reads for the monitor.
func TestAccessAsks(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason    string
		monitor   runtime.Object
		namespace string
	}{
		"Namespaced": {"in the monitor's namespace", newMonitor(), testNamespace},
		"Cluster":    {"in all namespaces, whatever the selector selects", newClusterMonitor(), ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, called := &asked{answer: allow}, false
			next := func(context.Context, runtime.Object) error { called = true; return nil }
			require.NoError(t, a.access().onCreate(next)(byDana(t.Context()), tc.monitor))
			require.True(t, called, "admission comes next")
			want := []question{}
			for _, verb := range []string{"get", "list", "watch"} {
				want = append(want, question{"dana", verb, tc.namespace, "batch", "v1", "jobs", ""})
			}
			require.Equal(t, want, a.got, tc.reason)
		})
	}
}

func TestAccessRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason  string
		monitor runtime.Object
		answer  func(question) (authorizer.Decision, error)
		is      func(error) bool
		message string
	}{
		"OneVerb": {
			reason: "each verb is needed", monitor: newMonitor(),
			answer: func(q question) (authorizer.Decision, error) {
				if q.verb == "watch" {
					return authorizer.DecisionNoOpinion, nil
				}
				return authorizer.DecisionAllow, nil
			},
			is: apierrors.IsForbidden,
			message: `jobs.batch is forbidden: spec.resource: user "dana" needs the right to watch them ` +
				`in namespace "team-gamma", to monitor them (jobs is the plural of Job; spec.resource.resource can name another)`,
		},
		"All": {
			reason: "the author learns at once what to ask for", monitor: newClusterMonitor(),
			answer: func(question) (authorizer.Decision, error) { return authorizer.DecisionDeny, nil },
			is:     apierrors.IsForbidden,
			message: `jobs.batch is forbidden: spec.resource: user "dana" needs the right to get, list, watch them ` +
				`in all namespaces, to monitor them (jobs is the plural of Job; spec.resource.resource can name another)`,
		},
		"Error": {
			reason: "who cannot be asked has not allowed it", monitor: newMonitor(),
			answer:  func(question) (authorizer.Decision, error) { return authorizer.DecisionNoOpinion, errors.New("away") },
			is:      apierrors.IsInternalError,
			message: "Internal error occurred: ask whether the author may get what is monitored: away",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &asked{answer: tc.answer}
			err := a.access().onCreate(func(context.Context, runtime.Object) error {
				t.Error("admission must not be asked")
				return nil
			})(byDana(t.Context()), tc.monitor)
			require.EqualError(t, err, tc.message, tc.reason)
			require.True(t, tc.is(err), tc.reason)
		})
	}
}

// TestAccessOnUpdate: whoever changes what is shown needs the rights, others do not.
func TestAccessOnUpdate(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		edit   func(*issues.IssueMonitor)
		asks   bool
	}{
		"Label":    {reason: "labels show nothing", edit: func(m *issues.IssueMonitor) { m.Labels = map[string]string{"a": "b"} }},
		"Title":    {reason: "a title can show any field", edit: func(m *issues.IssueMonitor) { m.Spec.Issue.Title = `"x"` }, asks: true},
		"Resource": {reason: "another resource has other readers", edit: func(m *issues.IssueMonitor) { m.Spec.Resource.Resource = "pods" }, asks: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &asked{answer: func(question) (authorizer.Decision, error) { return authorizer.DecisionDeny, nil }}
			err := a.access().onUpdate(nil)(byDana(t.Context()), newMonitor(tc.edit), newMonitor())
			require.Equal(t, tc.asks, apierrors.IsForbidden(err), tc.reason)
			require.Equal(t, tc.asks, len(a.got) > 0, tc.reason)
		})
	}
}
