// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuewebhook

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

// asked answers every question alike, and keeps them.
type asked struct {
	decision authorizer.Decision
	err      error
	got      []authorizer.Attributes
}

func (a *asked) access() access {
	return access{authorizer.AuthorizerFunc(func(_ context.Context, attributes authorizer.Attributes) (authorizer.Decision, string, error) {
		a.got = append(a.got, attributes)
		return a.decision, "", a.err
	})}
}

var dana = &user.DefaultInfo{Name: "dana"}

func byDana(ctx context.Context) context.Context { return genericapirequest.WithUser(ctx, dana) }

// TestAccessAsks for exactly what the gateway does for the webhook.
func TestAccessAsks(t *testing.T) {
	t.Parallel()
	a, called := &asked{decision: authorizer.DecisionAllow}, false
	next := func(context.Context, runtime.Object) error { called = true; return nil }
	require.NoError(t, a.access().onCreate(next)(byDana(t.Context()), newWebhook()))
	require.True(t, called, "admission comes next")
	require.Equal(t, []authorizer.Attributes{authorizer.AttributesRecord{
		User: dana, Verb: "create", Namespace: testNamespace, APIGroup: "issues.kite.dev", APIVersion: "v1alpha1",
		Resource: "issuereports", ResourceRequest: true,
	}}, a.got)
}

func TestAccessRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason  string
		asked   asked
		is      func(error) bool
		message string
	}{
		"NoOpinion": {
			reason: "who may not report lets nobody else report", asked: asked{decision: authorizer.DecisionNoOpinion},
			is: apierrors.IsForbidden,
			message: `issuewebhooks.issues.kite.dev "github" is forbidden: user "dana" needs the right to create ` +
				`issuereports.issues.kite.dev in namespace "team-gamma", which the webhook does`,
		},
		"Error": {
			reason: "who cannot be asked has not allowed it", asked: asked{err: errors.New("away")},
			is:      apierrors.IsInternalError,
			message: "Internal error occurred: ask whether the author may create issuereports: away",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tc.asked.access().onCreate(func(context.Context, runtime.Object) error {
				t.Error("admission must not be asked")
				return nil
			})(byDana(t.Context()), newWebhook())
			require.EqualError(t, err, tc.message, tc.reason)
			require.True(t, tc.is(err), tc.reason)
		})
	}
}

// TestAccessOnUpdate: whoever changes what is reported, or who may send, needs the right.
func TestAccessOnUpdate(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		edit   func(*issues.IssueWebhook)
		asks   bool
	}{
		"Label":  {reason: "labels report nothing", edit: func(w *issues.IssueWebhook) { w.Labels = map[string]string{"a": "b"} }},
		"Title":  {reason: "a title is reported", edit: func(w *issues.IssueWebhook) { w.Spec.Issue.Title = `"x"` }, asks: true},
		"Sender": {reason: "another secret has others who know it", edit: func(w *issues.IssueWebhook) { w.Spec.Authentication.Github.SecretRef.Name = "x" }, asks: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &asked{decision: authorizer.DecisionDeny}
			err := a.access().onUpdate(nil)(byDana(t.Context()), newWebhook(tc.edit), newWebhook())
			require.Equal(t, tc.asks, apierrors.IsForbidden(err), tc.reason)
			require.Equal(t, tc.asks, len(a.got) > 0, tc.reason)
		})
	}
}
