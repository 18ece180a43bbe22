// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuereport

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/util/dryrun"
	clocktesting "k8s.io/utils/clock/testing"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/install"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	rules "kite.dev/kite/pkg/issue"
	registry "kite.dev/kite/pkg/registry/issues/issue"
)

const testNamespace = "team-gamma"

var testTime = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// fakeStore keeps issues in memory as storage does: with one revision counter,
// conditional writes and claims.
type fakeStore struct {
	mu     sync.Mutex
	rev    int
	writes int
	issues map[string]*issues.Issue
	// before runs before a write is tried; tests use it to come in between.
	before func(name string)
	// refuse makes the store find an issue invalid.
	refuse func(*issues.Issue) error
}

func newFakeStore(existing ...*issues.Issue) *fakeStore {
	s := &fakeStore{issues: map[string]*issues.Issue{}}
	for _, issue := range existing {
		s.put(issue)
	}
	return s
}

func (s *fakeStore) put(issue *issues.Issue) {
	s.rev++
	issue.ResourceVersion = strconv.Itoa(s.rev)
	if issue.UID == "" {
		issue.UID = types.UID("uid-" + issue.ResourceVersion)
	}
	s.issues[issue.Name] = issue
}

func (s *fakeStore) get(name string) *issues.Issue {
	s.mu.Lock()
	defer s.mu.Unlock()
	if issue, ok := s.issues[name]; ok {
		return issue.DeepCopy()
	}
	return nil
}

func (s *fakeStore) Get(_ context.Context, name string, _ *metav1.GetOptions) (runtime.Object, error) {
	if issue := s.get(name); issue != nil {
		return issue, nil
	}
	return nil, apierrors.NewNotFound(issues.Resource("issues"), name)
}

func (s *fakeStore) List(_ context.Context, options *metainternalversion.ListOptions) (runtime.Object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := &issues.IssueList{}
	for _, issue := range s.issues {
		_, set, err := registry.GetAttrs(issue)
		if err != nil {
			return nil, err
		}
		if options.FieldSelector.Matches(set) {
			out.Items = append(out.Items, *issue.DeepCopy())
		}
	}
	return out, nil
}

func (s *fakeStore) ClaimsHeld(context.Context, string) (int64, error) { return 0, nil }

func (s *fakeStore) ClaimHolder(_ context.Context, claim []byte) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if holder := s.holder(fmt.Sprintf("%x", claim), ""); holder != "" {
		return "/issues.kite.dev/issues/" + testNamespace + "/" + holder, nil
	}
	return "", nil
}

func (s *fakeStore) holder(claim, except string) string {
	for name, issue := range s.issues {
		if name != except && claim != "" && rules.Claim(issue) == claim {
			return name
		}
	}
	return ""
}

// check refuses as storage and validation do. The caller holds mu.
func (s *fakeStore) check(issue *issues.Issue) error {
	if holder := s.holder(rules.Claim(issue), issue.Name); holder != "" {
		return registry.Resource(registry.Config{}).ClaimRefused(issue, path.Join("/x", holder))
	}
	if s.refuse != nil {
		return s.refuse(issue)
	}
	return nil
}

func (s *fakeStore) CreateDecided(
	ctx context.Context, issue *issues.Issue, validate rest.ValidateObjectFunc, dryRun []string,
) (*issues.Issue, error) {
	if err := validate(ctx, issue); err != nil {
		return nil, err
	}
	if s.before != nil {
		s.before(issue.Name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.issues[issue.Name]; ok {
		return nil, apierrors.NewAlreadyExists(issues.Resource("issues"), issue.Name)
	}
	if err := s.check(issue); err != nil {
		return nil, err
	}
	issue = issue.DeepCopy()
	if dryrun.IsDryRun(dryRun) {
		return issue, nil
	}
	s.writes++
	s.put(issue)
	return issue.DeepCopy(), nil
}

func (s *fakeStore) UpdateDecided(
	_ context.Context, name string, decide func(*issues.Issue) (*issues.Issue, error), dryRun []string,
) (*issues.Issue, error) {
	for {
		current := s.get(name)
		if current == nil {
			return nil, apierrors.NewNotFound(issues.Resource("issues"), name)
		}
		next, err := decide(current)
		if err != nil || next == current {
			return next, err
		}
		if s.before != nil {
			s.before(name)
		}
		if out, err := s.swap(current, next, dryRun); out != nil || err != nil {
			return out, err
		}
	}
}

// swap returns nothing when the issue changed in between.
func (s *fakeStore) swap(current, next *issues.Issue, dryRun []string) (*issues.Issue, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if have, ok := s.issues[current.Name]; !ok || have.ResourceVersion != current.ResourceVersion {
		return nil, nil //nolint:nilnil // see above
	}
	if err := s.check(next); err != nil {
		return nil, err
	}
	next = next.DeepCopy()
	if !dryrun.IsDryRun(dryRun) {
		s.writes++
		s.put(next)
	}
	return next.DeepCopy(), nil
}

// only is an authorizer that allows one user everything.
type only string

func (o only) Authorize(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	right := a.GetVerb() == "update" && a.GetResource() == "issues" && a.GetSubresource() == "status" &&
		a.GetAPIGroup() == issues.GroupName && a.GetNamespace() == testNamespace && a.IsResourceRequest()
	if right && a.GetUser().GetName() == string(o) {
		return authorizer.DecisionAllow, "", nil
	}
	return authorizer.DecisionNoOpinion, "", nil
}

func newREST(store *fakeStore) *REST {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	return NewREST(scheme, store, store, only("controller"), nil, clocktesting.NewFakePassiveClock(testTime.Add(time.Hour)))
}

func contextOf(ctx context.Context, name string) context.Context {
	ctx = genericapirequest.WithNamespace(ctx, testNamespace)
	ctx = genericapirequest.WithUser(ctx, &user.DefaultInfo{Name: name})
	return genericapirequest.WithRequestInfo(ctx, &genericapirequest.RequestInfo{
		APIGroup: issues.GroupName, APIVersion: v1alpha1.SchemeGroupVersion.Version,
		Resource: "issuereports", Namespace: testNamespace,
	})
}

// send reports as a user and returns the answer.
func send(t testing.TB, r *REST, by string, report *issues.IssueReport, dryRun ...string) issues.IssueReportStatus {
	t.Helper()
	status, err := trySend(t, r, by, report, dryRun...)
	require.NoError(t, err)
	return status
}

func trySend(t testing.TB, r *REST, by string, report *issues.IssueReport, dryRun ...string) (issues.IssueReportStatus, error) {
	t.Helper()
	obj, err := r.Create(contextOf(t.Context(), by), report.DeepCopy(), nil, &metav1.CreateOptions{DryRun: dryRun})
	if err != nil {
		return issues.IssueReportStatus{}, err
	}
	return obj.(*issues.IssueReport).Status, nil
}

func failed(seconds int, edit ...func(*issues.IssueReportSpec)) *issues.IssueReport {
	return report(issues.OutcomeFailed, seconds, edit...)
}

func succeeded(seconds int, edit ...func(*issues.IssueReportSpec)) *issues.IssueReport {
	return report(issues.OutcomeSucceeded, seconds, edit...)
}

func report(outcome issues.Outcome, seconds int, edit ...func(*issues.IssueReportSpec)) *issues.IssueReport {
	out := &issues.IssueReport{
		ObjectMeta: metav1.ObjectMeta{Namespace: testNamespace},
		Spec: issues.IssueReportSpec{
			Outcome:    outcome,
			ObservedAt: &metav1.MicroTime{Time: testTime.Add(time.Duration(seconds) * time.Second)},
			Issue: issues.ReportedIssue{
				Title: "Build fails", Type: issues.TypeBuild, Severity: issues.SeverityMajor,
				Scope: issues.IssueScope{Kind: "Component", Name: "checkout"}, Stage: issues.StagePush,
			},
		},
	}
	for _, f := range edit {
		f(&out.Spec)
	}
	return out
}

func withTitle(title string) func(*issues.IssueReportSpec) {
	return func(spec *issues.IssueReportSpec) { spec.Issue.Title = title }
}

func names(r *issues.IssueReport) []string { return rules.IdentityOfReport(r).Names() }

// byHand is an Active issue that somebody wrote; its identity is the reports' unless
// edited.
func byHand(name string, edit ...func(*issues.Issue)) *issues.Issue {
	out := &issues.Issue{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: testNamespace},
		Spec:       issues.IssueSpec(failed(0).Spec.Issue),
	}
	for _, f := range edit {
		f(out)
	}
	rules.PrepareCreate(out, "dana", testTime.Add(-time.Hour))
	return out
}

func otherScope(issue *issues.Issue) { issue.Spec.Scope.Name = "other" }
