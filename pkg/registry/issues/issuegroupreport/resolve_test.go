// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuegroupreport

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/registry/issues/issuereport"
)

// group has members in pages of two, some of which cannot be resolved.
type group struct {
	members []string
	broken  map[string]error
	lost    error // instead of the second page

	mu       sync.Mutex
	resolved []string
}

func (g *group) List(_ context.Context, options *metainternalversion.ListOptions) (runtime.Object, error) {
	if options.Continue != "" && g.lost != nil {
		return nil, g.lost
	}
	out := &issues.IssueList{}
	for _, name := range g.members {
		if name <= options.Continue {
			continue
		}
		out.Items = append(out.Items, issues.Issue{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: name}})
		if len(out.Items) == 2 {
			out.Continue = name
			break
		}
	}
	return out, nil
}

func (g *group) Recover(_ context.Context, member *issues.Issue, _ issuereport.Recovery, _ []string) (issues.ReportResult, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.broken[member.Name]; err != nil {
		return "", err
	}
	g.resolved = append(g.resolved, member.Name)
	slices.Sort(g.resolved)
	return issues.ResultResolved, nil
}

func send(ctx context.Context, g *group) (issues.IssueGroupReportStatus, error) {
	r := &REST{issues: g, members: g}
	total, err := r.resolve(ctx, issuereport.Recovery{GroupKey: "CVE-1"}, nil)
	return total.status(), total.failure(ctx, err)
}

// TestMembersThatCannotBeResolved: no team can keep others from what a report brings them,
// and the sender, who need not be allowed to read issues, learns no name.
func TestMembersThatCannotBeResolved(t *testing.T) {
	t.Parallel()
	expired := apierrors.NewResourceExpired("too old")
	expired.ErrStatus.ListMeta.Continue = "secret"
	cases := map[string]struct {
		reason   string
		group    *group
		resolved []string
		want     func(error) bool
	}{
		"All": {reason: "nothing is wrong", group: &group{}, resolved: []string{"a", "b", "c", "d"}, want: func(err error) bool { return err == nil }},
		"Full": {
			reason:   "one has no room for another transition",
			group:    &group{broken: map[string]error{"a": apierrors.NewRequestEntityTooLargeError("secret is too large")}},
			resolved: []string{"b", "c", "d"}, want: apierrors.IsInternalError,
		},
		"Outage": {
			reason: "others would find no database either",
			group:  &group{members: []string{"a"}, broken: map[string]error{"a": apierrors.NewServiceUnavailable("the database is unavailable")}},
			want:   apierrors.IsServiceUnavailable,
		},
		"Expired": {
			reason: "the members changed for longer than history is kept",
			group:  &group{lost: expired}, resolved: []string{"a", "b"}, want: apierrors.IsTimeout,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.group.members == nil {
				tc.group.members = []string{"a", "b", "c", "d"}
			}
			status, err := send(t.Context(), tc.group)
			require.True(t, tc.want(err), "%s: %v", tc.reason, err)
			require.Equal(t, tc.resolved, tc.group.resolved, tc.reason)
			require.EqualValues(t, len(tc.resolved), status.Resolved)
			if err != nil {
				require.NotContains(t, err.Error(), "secret", tc.reason)
				require.Empty(t, err.(apierrors.APIStatus).Status().Continue)
			}
		})
	}
}

// TestEndedReport says that there is more to do.
func TestEndedReport(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithCancel(t.Context())
	end()
	_, err := send(ctx, &group{members: []string{"a"}, broken: map[string]error{"a": context.Canceled}})
	require.True(t, apierrors.IsTimeout(err), "%v", err)
	require.ErrorContains(t, err, "send the report again")
}
