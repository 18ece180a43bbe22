// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuereport

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"kite.dev/kite/pkg/apis/issues"
	rules "kite.dev/kite/pkg/issue"
)

func TestFailRecoverFail(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	r := newREST(store)
	first := send(t, r, "robot", failed(1))
	require.Equal(t, issues.ResultCreated, first.Result)
	require.Equal(t, names(failed(1))[0], first.Issues[0].Name)
	require.Equal(t, issues.ResultUnchanged, send(t, r, "robot", failed(1)).Result, "the same observation")
	require.Equal(t, issues.ResultResolved, send(t, r, "robot", succeeded(2)).Result)
	last := send(t, r, "robot", failed(3))
	require.Equal(t, issues.ResultReopened, last.Result)
	require.Equal(t, first.Issues[0].UID, last.Issues[0].UID)
	require.NotEqual(t, first.Issues[0].ResourceVersion, last.Issues[0].ResourceVersion)

	issue := store.get(first.Issues[0].Name)
	require.Equal(t, int32(2), issue.Status.Occurrences)
	require.Equal(t, int32(1), issue.Status.Reopened)
	require.Equal(t, 3, store.writes, "what changes nothing is not written")
}

func TestTarget(t *testing.T) {
	t.Parallel()
	derived := names(failed(0))
	resolved := func(issue *issues.Issue) {
		issue.Status.State = issues.StateResolved
	}
	reported := func(name string, edit ...func(*issues.Issue)) *issues.Issue {
		out := rules.Apply(nil, failed(-10), rules.Reporter{User: "robot"}, testTime).Issue
		out.Name = name
		for _, f := range edit {
			f(out)
		}
		return out
	}
	for name, tc := range map[string]struct {
		reason   string
		existing []*issues.Issue
		want     string
		result   issues.ReportResult
	}{
		"Nothing":        {"the first derived name is free", nil, derived[0], issues.ResultCreated},
		"Active":         {"reported before", []*issues.Issue{reported(derived[0])}, derived[0], issues.ResultUpdated},
		"Resolved":       {"the same problem again", []*issues.Issue{reported(derived[0], resolved)}, derived[0], issues.ResultReopened},
		"ByHand":         {"whatever the holder's name", []*issues.Issue{byHand("mine")}, "mine", issues.ResultUpdated},
		"ByHandResolved": {"only Active ones count under other names", []*issues.Issue{resolvedByHand("mine")}, derived[0], issues.ResultCreated},
		"HolderBeforeDerived": {
			"a Resolved one at the derived name does not take it from the holder",
			[]*issues.Issue{reported(derived[0], resolved), byHand("mine")},
			"mine", issues.ResultUpdated,
		},
		"Squatted":      {"a name taken by another problem", []*issues.Issue{byHand(derived[0], otherScope)}, derived[1], issues.ResultCreated},
		"SquattedTwice": {"two names taken", []*issues.Issue{byHand(derived[0], otherScope), byHand(derived[1], otherKey)}, derived[2], issues.ResultCreated},
		"SquatterGone": {
			"the issue keeps the longer name that it got",
			[]*issues.Issue{reported(derived[1], resolved)},
			derived[1], issues.ResultReopened,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := newFakeStore(tc.existing...)
			status := send(t, newREST(store), "robot", failed(1))
			require.Equal(t, tc.result, status.Result, tc.reason)
			require.Len(t, status.Issues, 1)
			require.Equal(t, tc.want, status.Issues[0].Name, tc.reason)
		})
	}
}

func resolvedByHand(name string) *issues.Issue {
	out, _ := rules.Resolve(byHand(name), "dana", &issues.IssueResolution{}, testTime)
	return out
}

func otherKey(issue *issues.Issue) { issue.Spec.Key = "other" }

func TestAllNamesTaken(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	for i, name := range names(failed(0)) {
		store.put(byHand(name, func(issue *issues.Issue) { issue.Spec.Key = string(rune('a' + i)) }))
	}
	_, err := trySend(t, newREST(store), "robot", failed(1))
	require.True(t, apierrors.IsConflict(err), "%v", err)
	require.ErrorContains(t, err, "are all taken")
	require.Zero(t, store.writes)
}

func TestWhoseFailure(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reason string
		by     string
		want   issues.ReportResult
	}{
		"SameUser":   {"it reported the failure", "robot", issues.ResultResolved},
		"Stranger":   {"it reported nothing", "stranger", issues.ResultUnchanged},
		"Controller": {"it may update issues/status", "controller", issues.ResultResolved},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := newFakeStore()
			r := newREST(store)
			send(t, r, "robot", failed(1))
			status := send(t, r, tc.by, succeeded(2))
			require.Equal(t, tc.want, status.Result, tc.reason)
			require.Len(t, status.Issues, 1, "the issue that the report speaks of")
		})
	}
}

func TestRecoveryOfNothing(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	status := send(t, newREST(store), "robot", succeeded(1))
	require.Equal(t, issues.IssueReportStatus{Result: issues.ResultUnchanged}, status)
	require.Zero(t, store.writes)
}

func TestWiden(t *testing.T) {
	t.Parallel()
	allKeys := func(spec *issues.IssueReportSpec) { spec.AllKeys = true }
	allTypes := func(spec *issues.IssueReportSpec) { spec.AllTypes, spec.Issue.Type = true, "" }
	for name, tc := range map[string]struct {
		reason string
		edit   []func(*issues.IssueReportSpec)
		want   []string
	}{
		"Keys":  {"of this type", []func(*issues.IssueReportSpec){allKeys}, []string{"build-1", "build-2", "build-none"}},
		"Types": {"with this key", []func(*issues.IssueReportSpec){allTypes}, []string{"build-none", "test-none"}},
		"Both":  {"all of the scope and stage", []func(*issues.IssueReportSpec){allKeys, allTypes}, []string{"build-1", "build-2", "build-none", "test-1", "test-none"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := newFakeStore(byHand("elsewhere", otherScope), byHand("unstaged", func(i *issues.Issue) { i.Spec.Stage = "" }))
			for _, kind := range []string{"build", "test"} {
				for _, key := range []string{"", "1", "2"} {
					if kind+key == "test2" {
						continue
					}
					label := key
					if key == "" {
						label = "none"
					}
					store.put(byHand(kind+"-"+label, func(i *issues.Issue) { i.Spec.Type, i.Spec.Key = kind, key }))
				}
			}
			r := newREST(store)
			_, err := trySend(t, r, "robot", succeeded(1, tc.edit...))
			require.True(t, apierrors.IsForbidden(err), "%v", err)
			require.ErrorContains(t, err, "issues/status")
			require.Zero(t, store.writes)

			dry := send(t, r, "controller", succeeded(1, tc.edit...), metav1.DryRunAll)
			require.Equal(t, issues.ResultResolved, dry.Result)
			require.Zero(t, store.writes)

			status := send(t, r, "controller", succeeded(1, tc.edit...))
			require.Equal(t, issues.ResultResolved, status.Result, tc.reason)
			require.Equal(t, tc.want, reached(status), tc.reason)
			again := send(t, r, "controller", succeeded(1, tc.edit...))
			require.Equal(t, issues.ResultUnchanged, again.Result, "a repeated report completes, and changes nothing more")
			require.Equal(t, len(tc.want), store.writes)
		})
	}
}

func reached(status issues.IssueReportStatus) []string {
	out := make([]string, 0, len(status.Issues))
	for _, object := range status.Issues {
		out = append(out, object.Name)
	}
	slices.Sort(out)
	return out
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	r := newREST(store)
	status := send(t, r, "robot", failed(1), metav1.DryRunAll)
	require.Equal(t, issues.ResultCreated, status.Result)
	require.Empty(t, status.Issues[0].ResourceVersion)
	require.Zero(t, store.writes)

	send(t, r, "robot", failed(1))
	status = send(t, r, "robot", succeeded(2), metav1.DryRunAll)
	require.Equal(t, issues.ResultResolved, status.Result)
	require.Equal(t, 1, store.writes)
	require.Equal(t, issues.StateActive, store.get(status.Issues[0].Name).Status.State)
}

// TestRaces: somebody else comes between the look for an issue and the write.
func TestRaces(t *testing.T) {
	t.Parallel()
	derived := names(failed(0))[0]
	for name, tc := range map[string]struct {
		reason   string
		existing *issues.Issue
		meddle   func(*fakeStore)
		want     string
	}{
		"Created":        {"the name is taken", nil, func(s *fakeStore) { s.put(byHand(derived)) }, derived},
		"Claimed":        {"another name holds the claim", nil, func(s *fakeStore) { s.put(byHand("mine")) }, "mine"},
		"Deleted":        {"the holder is gone", byHand("mine"), func(s *fakeStore) { delete(s.issues, "mine") }, derived},
		"ResolvedByHand": {"the holder is no longer Active", byHand("mine"), func(s *fakeStore) { s.put(resolvedByHand("mine")) }, derived},
		"Changed":        {"decided anew", byHand("mine"), func(s *fakeStore) { s.put(byHand("mine", func(i *issues.Issue) { i.Spec.Title = "Other" })) }, "mine"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := newFakeStore()
			if tc.existing != nil {
				store.put(tc.existing)
			}
			store.before = func(string) {
				store.before = nil
				store.mu.Lock()
				defer store.mu.Unlock()
				tc.meddle(store)
			}
			status := send(t, newREST(store), "robot", failed(1))
			require.Equal(t, []string{tc.want}, reached(status), tc.reason)
			require.Contains(t, []issues.ReportResult{issues.ResultCreated, issues.ResultUpdated}, status.Result)
			if tc.want == "mine" && name == "Changed" {
				require.Equal(t, "Other", store.get("mine").Spec.Title)
			}
		})
	}
}

func TestEndlessRace(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	store.refuse = func(issue *issues.Issue) error {
		return apierrors.NewAlreadyExists(issues.Resource("issues"), issue.Name)
	}
	_, err := trySend(t, newREST(store), "robot", failed(1))
	require.True(t, apierrors.IsAlreadyExists(err), "%v", err)
}

func TestInvalidReport(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	bad := failed(1, func(spec *issues.IssueReportSpec) {
		spec.Issue.Title, spec.Issue.Severity = "", "urgent"
		spec.Issue.Scope.Kind = "component"
		spec.LogExcerpt = "a\x00b"
		spec.ObservedAt = &metav1.MicroTime{Time: testTime.Add(time.Hour + 6*time.Minute)}
		spec.AllKeys = true
	})
	_, err := trySend(t, newREST(store), "robot", bad)
	require.True(t, apierrors.IsInvalid(err), "%v", err)
	fields := map[string]int{}
	for _, cause := range err.(apierrors.APIStatus).Status().Details.Causes {
		fields[cause.Field]++
	}
	require.Equal(t, map[string]int{
		"spec.issue.title": 1, "spec.issue.severity": 1, "spec.issue.scope.kind": 1,
		"spec.logExcerpt": 1, "spec.observedAt": 1, "spec.allKeys": 1,
	}, fields)
	require.Zero(t, store.writes)
}

func TestAdmissionRefuses(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	refusal := errors.New("policy says no")
	_, err := newREST(store).Create(contextOf(t.Context(), "robot"), failed(1),
		func(context.Context, runtime.Object) error { return refusal }, &metav1.CreateOptions{})
	require.ErrorIs(t, err, refusal)
	require.Zero(t, store.writes)
}

func TestOtherNamespace(t *testing.T) {
	t.Parallel()
	foreign := failed(1)
	foreign.Namespace = "team-delta"
	_, err := trySend(t, newREST(newFakeStore()), "robot", foreign)
	require.True(t, apierrors.IsBadRequest(err), "%v", err)
}
