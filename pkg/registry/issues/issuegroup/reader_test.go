// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuegroup

import (
	"context"
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/storage"
	clocktesting "k8s.io/utils/clock/testing"

	"kite.dev/kite/pkg/apis/issues"
)

// losing lists as fakeLister does, but no second page, and nothing of a given revision.
type losing struct {
	fakeLister
	of error
}

func (l losing) List(ctx context.Context, options *metainternalversion.ListOptions) (runtime.Object, error) {
	if options.Continue != "" || options.ResourceVersion != "" {
		return nil, l.of
	}
	return l.fakeLister.List(ctx, options)
}

func (l losing) Get(context.Context, string, *metav1.GetOptions) (runtime.Object, error) {
	return l.members[0], nil
}

func newLosing(of error) losing {
	members := []*issues.Issue{newMember("a", "x", 1), newMember("b", "secret", 2)}
	members[1].Spec.GroupKey = "CVE-2"
	return losing{fakeLister{members: append(members, newMember("c", "y", 3)), page: 1}, of}
}

// expiredList is what storage answers: its token leads to an issue.
func expiredList() error {
	err := apierrors.NewResourceExpired("too old")
	err.ErrStatus.ListMeta.Continue = "of team b"
	return err
}

// TestLostPages: whoever asks for counts or for a group sees no token of a list of issues.
func TestLostPages(t *testing.T) {
	t.Parallel()
	lister := newLosing(expiredList())
	_, err := NewCountsREST(lister, clocktesting.NewFakePassiveClock(start)).Get(t.Context(), "x", &metav1.GetOptions{})
	require.True(t, apierrors.IsTimeout(err), "%v", err)
	rest := NewREST(lister, noHistory{}, clocktesting.NewFakePassiveClock(start))
	_, err = rest.Get(t.Context(), "CVE-1", &metav1.GetOptions{})
	require.True(t, apierrors.IsTimeout(err), "%v", err)
	_, err = rest.List(t.Context(), nil)
	require.True(t, apierrors.IsTimeout(err), "%v", err)
}

// TestExpiredChunks: a token whose revision is gone is answered with one to go on by.
func TestExpiredChunks(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]error{
		"Past": expiredList(), "Future": storage.NewTooLargeResourceVersionError(9, 7, 0),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lister := newLosing(lost)
			rest := NewREST(lister, noHistory{}, clocktesting.NewFakePassiveClock(start))
			text, err := token{Revision: "5", After: "CVE-1"}.encode()
			require.NoError(t, err)
			_, err = rest.List(t.Context(), &metainternalversion.ListOptions{Continue: text, Limit: 5})
			require.True(t, apierrors.IsResourceExpired(err), "%v", err)
			status := err.(apierrors.APIStatus).Status()
			next, err := decodeToken(status.Continue)
			require.NoError(t, err)
			require.Equal(t, token{After: "CVE-1"}, next, "at the newest revision, after the same group")

			rest = NewREST(lister.fakeLister, noHistory{}, clocktesting.NewFakePassiveClock(start))
			obj, err := rest.List(t.Context(), &metainternalversion.ListOptions{Continue: status.Continue, Limit: 5})
			require.NoError(t, err)
			list := obj.(*issues.IssueGroupList)
			require.Len(t, list.Items, 1)
			require.Equal(t, "CVE-2", list.Items[0].Name)
		})
	}
}

func TestInvalidTokens(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "{}", `{"rv":"5"}`, `{"rv":"0","after":"a"}`, `{"rv":"-1","after":"a"}`, `{"rv":"x","after":"a"}`,
		`{"rv":"99999999999999999999","after":"a"}`, `{"rv":5,"after":"a"}`, "[",
	} {
		_, err := decodeToken("!" + text)
		require.True(t, apierrors.IsBadRequest(err), "%s: %v", text, err)
		if text == "" {
			continue
		}
		_, err = decodeToken(base64.RawURLEncoding.EncodeToString([]byte(text)))
		require.True(t, apierrors.IsBadRequest(err), "%s: %v", text, err)
	}
}
