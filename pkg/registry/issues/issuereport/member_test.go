// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuereport

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/user"

	"kite.dev/kite/pkg/apis/issues"
)

// TestRecoverMember of a group, as it was when the group was read.
func TestRecoverMember(t *testing.T) {
	t.Parallel()
	inGroup := func(key string) func(*issues.Issue) {
		return func(issue *issues.Issue) { issue.Spec.GroupKey = key }
	}
	cases := map[string]struct {
		reason string
		// meanwhile changes the stored issue after the group was read.
		meanwhile func(*fakeStore)
		want      issues.ReportResult
		state     issues.IssueState
	}{
		"Member": {reason: "whoever reported it", want: issues.ResultResolved, state: issues.StateResolved},
		"Left": {
			reason:    "it belongs to another group by now",
			meanwhile: func(s *fakeStore) { s.issues["web"].Spec.GroupKey = "other" },
			want:      issues.ResultUnchanged, state: issues.StateActive,
		},
		"Anew": {
			reason: "another issue has the name",
			meanwhile: func(s *fakeStore) {
				issue := byHand("web", inGroup("CVE-1"))
				issue.UID = "another"
				s.put(issue)
			},
			want: issues.ResultUnchanged, state: issues.StateActive,
		},
		"Gone": {reason: "there is nothing to resolve", meanwhile: func(s *fakeStore) { delete(s.issues, "web") }, want: issues.ResultUnchanged},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := newFakeStore(byHand("web", inGroup("CVE-1")))
			member := store.get("web")
			if tc.meanwhile != nil {
				tc.meanwhile(store)
			}
			at := metav1.NewMicroTime(testTime.Add(time.Minute))
			recovery := Recovery{GroupKey: "CVE-1", ObservedAt: &at, Reason: "Fixed", By: &user.DefaultInfo{Name: "maintainer"}}
			for _, dryRun := range [][]string{{metav1.DryRunAll}, nil} {
				got, err := newREST(store).Recover(t.Context(), member, recovery, dryRun)
				require.NoError(t, err)
				require.Equal(t, tc.want, got, tc.reason)
			}
			after := store.get("web")
			if tc.state == "" {
				require.Nil(t, after)
				return
			}
			require.Equal(t, tc.state, after.Status.State, tc.reason)
			if tc.state == issues.StateResolved {
				require.Equal(t, "maintainer", after.Status.ResolvedBy)
				require.Equal(t, 1, store.writes, "the dry run wrote nothing")
			}
		})
	}
}
