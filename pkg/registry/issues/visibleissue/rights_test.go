// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package visibleissue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// numbered are namespaces with numbers for names.
type numbered int

func (n numbered) Candidates(user.Info) ([]string, error) {
	var out []string
	for i := range int(n) {
		out = append(out, fmt.Sprint("team-", i))
	}
	return out, nil
}

var ann = &user.DefaultInfo{Name: "ann"}

// TestReviewsInFlight: no number of users asks more than 50 questions at a time, and all are
// answered.
func TestReviewsInFlight(t *testing.T) {
	t.Parallel()
	asked, answer := make(chan struct{}, 1000), make(chan struct{})
	r := newRights(authorizer.AuthorizerFunc(func(ctx context.Context, _ authorizer.Attributes) (authorizer.Decision, string, error) {
		asked <- struct{}{}
		select {
		case <-answer:
		case <-ctx.Done():
		}
		return authorizer.DecisionAllow, "", nil
	}), numbered(100))
	var users sync.WaitGroup
	for range 3 {
		users.Go(func() {
			namespaces, err := r.of(t.Context(), ann)
			require.NoError(t, err)
			require.Len(t, namespaces, 100)
		})
	}
	for range maxReviews {
		<-asked
	}
	select {
	case <-asked:
		require.FailNow(t, "a 51st question")
	case <-time.After(20 * time.Millisecond):
	}
	close(answer)
	users.Wait()
	require.Len(t, asked, 300-maxReviews)
}

func TestRightsThatCannotBeKnown(t *testing.T) {
	t.Parallel()
	down := errors.New("connection refused")
	r := newRights(authorizer.AuthorizerFunc(func(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
		if a.GetNamespace() == "team-3" {
			return authorizer.DecisionNoOpinion, "", down
		}
		return authorizer.DecisionAllow, "", nil
	}), numbered(10))
	namespaces, err := r.of(t.Context(), ann)
	require.ErrorIs(t, err, down, "a part of the namespaces would look like all")
	require.Empty(t, namespaces)
}

// TestQuestion: what is asked is what a list of issues would be asked.
func TestQuestion(t *testing.T) {
	t.Parallel()
	var got authorizer.Attributes
	r := newRights(authorizer.AuthorizerFunc(func(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
		got = a
		return authorizer.DecisionNoOpinion, "", nil
	}), nil)
	for _, namespace := range []string{"", "a/b", "A"} {
		allowed, err := r.in(t.Context(), ann, namespace)
		require.NoError(t, err)
		require.False(t, allowed)
		require.Nil(t, got, "%q is no namespace, and must not be asked for as all of them", namespace)
	}
	_, err := r.in(t.Context(), ann, "team-a")
	require.NoError(t, err)
	require.Equal(t, authorizer.AttributesRecord{
		User: ann, Verb: "list", Namespace: "team-a", APIGroup: "issues.kite.dev", APIVersion: "v1alpha1",
		Resource: "issues", ResourceRequest: true,
	}, got)
}
