// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"kite.dev/kite/pkg/apis/issues"
	rules "kite.dev/kite/pkg/issue"
)

type fakeHolders map[string]string

func (h fakeHolders) ClaimHolder(_ context.Context, claim []byte) (string, error) {
	if h == nil {
		return "", errors.New("no database")
	}
	return h[string(claim)], nil
}

// ClaimsHeld is the number of claims: all are in one folder.
func (h fakeHolders) ClaimsHeld(context.Context, string) (int64, error) {
	if h == nil {
		return 0, errors.New("no database")
	}
	return int64(len(h)), nil
}

func TestClaim(t *testing.T) {
	t.Parallel()
	active := stored(t.Context())
	require.Len(t, claimOf(active), 32)
	resolved := active.DeepCopy()
	resolved.Status.State = issues.StateResolved
	require.Nil(t, claimOf(resolved), "only an Active issue claims its identity")
	require.Nil(t, claimOf(&issues.IssueReport{}))
}

func TestClaimRefused(t *testing.T) {
	t.Parallel()
	err := claimRefused(stored(t.Context()), KeyPrefix+"team-gamma/holder")
	require.True(t, apierrors.IsConflict(err), "%v", err)
	require.True(t, IsClaimRefused(err))
	require.False(t, apierrors.IsAlreadyExists(err), "upstream would try other generated names")
	details := err.(apierrors.APIStatus).Status().Details
	require.Equal(t, "holder", details.Name)
	require.Equal(t, "issues", details.Kind)
	require.Equal(t, issues.GroupName, details.Group)
	require.Len(t, details.Causes, 1)
	require.Equal(t, metav1.CauseTypeFieldValueDuplicate, details.Causes[0].Type)
	require.False(t, IsClaimRefused(apierrors.NewConflict(issues.Resource("issues"), "x", errors.New("stale"))))
}

func TestCheckClaim(t *testing.T) {
	t.Parallel()
	issue := stored(t.Context())
	resolved := issue.DeepCopy()
	resolved.Status.State = issues.StateResolved
	held := func(key string) fakeHolders { return fakeHolders{string(claimOf(issue)): key} }
	for name, tc := range map[string]struct {
		reason  string
		obj     *issues.Issue
		holders fakeHolders
		check   func(error) bool
	}{
		"Free":     {"nobody holds it", issue, fakeHolders{}, isNil},
		"Own":      {"an issue does not stand in its own way", issue, held(KeyPrefix + "team-gamma/build-checkout"), isNil},
		"Other":    {"somebody else holds it", issue, held(KeyPrefix + "team-gamma/other"), IsClaimRefused},
		"Resolved": {"claims nothing", resolved, held(KeyPrefix + "team-gamma/other"), isNil},
		"Outage":   {"no answer is no consent", issue, nil, func(err error) bool { return err != nil && !IsClaimRefused(err) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := claimChecker{claims: tc.holders}.check(t.Context(), tc.obj, nil)
			require.True(t, tc.check(err), "%s: %v", tc.reason, err)
		})
	}
}

func isNil(err error) bool { return err == nil }

func TestActiveHolder(t *testing.T) {
	t.Parallel()
	issue := stored(t.Context())
	identity := rules.IdentityOf(issue.Namespace, &issue.Spec)
	holders := fakeHolders{string(claimOf(issue)): KeyPrefix + "team-gamma/by-hand"}
	name, err := ActiveHolder(t.Context(), holders, identity)
	require.NoError(t, err)
	require.Equal(t, "by-hand", name)
	identity.Key = "other"
	name, err = ActiveHolder(t.Context(), holders, identity)
	require.NoError(t, err)
	require.Empty(t, name)
}
