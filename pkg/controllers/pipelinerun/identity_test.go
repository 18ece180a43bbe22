// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

func TestIdentity(t *testing.T) {
	t.Parallel()
	week := &metav1.Duration{Duration: unseenLimit}
	component := issuesv1alpha1.IssueScope{APIGroup: componentGroup, Kind: "Component", Name: "frontend"}
	webBuild := issuesv1alpha1.IssueScope{APIGroup: tektonGroup, Kind: "Pipeline", Name: "web-build"}
	build := []runOption{
		label(labelRunType, "build"), label(labelComponent, "frontend"), label(labelApplication, "shop"),
		embedded("frontend-on-push-"),
	}
	test := []runOption{
		label(labelRunType, "test"), label(labelComponent, "frontend"), label(labelScenario, "e2e"),
	}
	cases := map[string]struct {
		reason  string
		options []runOption
		want    issuesv1alpha1.ReportedIssue
	}{
		"Pipeline": {
			reason: "a run that names its Pipeline",
			want:   issuesv1alpha1.ReportedIssue{Type: "pipeline", Scope: webBuild},
		},
		"GenerateName": {
			reason:  "siblings share the prefix",
			options: []runOption{embedded("web-build-")},
			want:    issuesv1alpha1.ReportedIssue{Type: "pipeline", Scope: webBuild},
		},
		"OwnName": {
			reason:  "no later run will ever be the same, so it expires",
			options: []runOption{embedded("")},
			want: issuesv1alpha1.ReportedIssue{
				Type: "pipeline", ExpiresAfter: week,
				Scope: issuesv1alpha1.IssueScope{APIGroup: tektonGroup, Kind: "PipelineRun", Name: "web-build-1"},
			},
		},
		"OnlyDashes": {
			reason:  "nothing is left of the prefix",
			options: []runOption{embedded("--")},
			want: issuesv1alpha1.ReportedIssue{
				Type: "pipeline", ExpiresAfter: week,
				Scope: issuesv1alpha1.IssueScope{APIGroup: tektonGroup, Kind: "PipelineRun", Name: "web-build-1"},
			},
		},
		"PushBuild": {
			reason:  "releasable content",
			options: append(build, label(pacPrefix+pacEventType, "push"), annotation(pacPrefix+pacBranch, "main")),
			want: issuesv1alpha1.ReportedIssue{
				Type: "build", Scope: component, Stage: "Push",
				Component: "frontend", Application: "shop",
			},
		},
		"GitLabPush": {
			reason:  "another spelling",
			options: append(build, label(pacPrefix+pacEventType, "Push"), annotation(pacPrefix+pacBranch, "refs/heads/main")),
			want: issuesv1alpha1.ReportedIssue{
				Type: "build", Scope: component, Stage: "Push",
				Component: "frontend", Application: "shop",
			},
		},
		"SideBranch": {
			reason: "a green main resolves no red release-1.0",
			options: append(build, label(pacPrefix+pacEventType, "push"),
				label(pacPrefix+pacBranch, "release-1.0"), annotation(pacPrefix+pacBranch, "release/1.0")),
			want: issuesv1alpha1.ReportedIssue{
				Type: "build", Scope: component, Stage: "Push", Key: "release/1.0",
				Component: "frontend", Application: "shop",
			},
		},
		"Tag": {
			reason:  "no later push has the same tag",
			options: append(build, label(pacPrefix+pacEventType, "push"), annotation(pacPrefix+pacBranch, "refs/tags/v1")),
			want: issuesv1alpha1.ReportedIssue{
				Type: "build", Scope: component, Stage: "Push", Key: "refs/tags/v1",
				Component: "frontend", Application: "shop", ExpiresAfter: week,
			},
		},
		"MergedPullRequest": {
			reason: "a push keeps the number of the pull request that caused it",
			options: append(build, label(pacPrefix+pacEventType, "push"), label(pacPrefix+pacPullRequest, "42"),
				annotation(pacPrefix+pacBranch, "main")),
			want: issuesv1alpha1.ReportedIssue{
				Type: "build", Scope: component, Stage: "Push",
				Component: "frontend", Application: "shop",
			},
		},
		"PullRequest": {
			reason:  "a green 42 resolves no red 41",
			options: append(build, label(pacPrefix+pacEventType, "pull_request"), label(pacPrefix+pacPullRequest, "42")),
			want: issuesv1alpha1.ReportedIssue{
				Type: "build", Scope: component, Stage: "PullRequest", Key: "42",
				Component: "frontend", Application: "shop", ExpiresAfter: week,
			},
		},
		"Retest": {
			reason:  "a comment starts the same pipeline for the same change",
			options: append(build, label(pacPrefix+pacEventType, "retest-all-comment"), label(pacPrefix+pacPullRequest, "42")),
			want: issuesv1alpha1.ReportedIssue{
				Type: "build", Scope: component, Stage: "PullRequest", Key: "42",
				Component: "frontend", Application: "shop", ExpiresAfter: week,
			},
		},
		"PushTest": {
			reason:  "a green scenario resolves no red other one",
			options: append(test, label(testPrefix+pacEventType, "push")),
			want: issuesv1alpha1.ReportedIssue{
				Type: "test", Scope: component, Stage: "Push", Key: "e2e",
				Component: "frontend",
			},
		},
		"PullRequestTest": {
			reason: "both the pull request and the scenario count",
			options: append(test, label(testPrefix+pacEventType, "pull_request"),
				label(testPrefix+pacPullRequest, "42")),
			want: issuesv1alpha1.ReportedIssue{
				Type: "test", Scope: component, Stage: "PullRequest", Key: "42/e2e",
				Component: "frontend", ExpiresAfter: week,
			},
		},
		"CommitComment": {
			reason:  "a comment below a pushed commit, not below a pull request",
			options: append(build, label(pacPrefix+pacEventType, "retest-comment"), annotation(pacPrefix+pacBranch, "main")),
			want: issuesv1alpha1.ReportedIssue{
				Type: "build", Scope: component, Stage: "Push",
				Component: "frontend", Application: "shop",
			},
		},
		"MergeRequest": {
			reason:  "GitLab's name",
			options: append(build, annotation(pacPrefix+pacEventType, "Merge Request"), label(pacPrefix+pacPullRequest, "42")),
			want: issuesv1alpha1.ReportedIssue{
				Type: "build", Scope: component, Stage: "PullRequest", Key: "42",
				Component: "frontend", Application: "shop", ExpiresAfter: week,
			},
		},
		"NoNumber": {
			reason:  "its branch tells it from others",
			options: append(build, label(pacPrefix+pacEventType, "pull_request"), annotation(pacPrefix+pacSourceBranch, "feature")),
			want: issuesv1alpha1.ReportedIssue{
				Type: "build", Scope: component, Stage: "PullRequest", Key: "feature",
				Component: "frontend", Application: "shop", ExpiresAfter: week,
			},
		},
		"GroupTest": {
			reason: "of several components together, each time with another name",
			options: []runOption{
				label(labelRunType, "test"), label(labelScenario, "e2e"), label(labelApplication, "shop"), embedded("shop-x7k2p-"),
			},
			want: issuesv1alpha1.ReportedIssue{
				Type: "test", Key: "e2e", Application: "shop",
				Scope: issuesv1alpha1.IssueScope{APIGroup: componentGroup, Kind: "Application", Name: "shop"},
			},
		},
		"PushedRelease": {
			reason:  "a push that releases",
			options: []runOption{label(labelRunType, "release"), label(pacPrefix+pacEventType, "push"), label(pacPrefix+pacBranch, "1.x")},
			want:    issuesv1alpha1.ReportedIssue{Type: "release", Scope: webBuild, Stage: "Release", Key: "1.x"},
		},
		"Release": {
			reason:  "a release without the release service",
			options: []runOption{label(labelRunType, "release")},
			want:    issuesv1alpha1.ReportedIssue{Type: "release", Scope: webBuild, Stage: "Release"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, cmp.Diff(tc.want, identity(failing(tc.options...))), tc.reason)
		})
	}
}

// Tekton labels a run with its pipeline's name when it has resolved it, so that
// a run which never ran has another label than its siblings.
func TestIdentityDoesNotDependOnTheOutcome(t *testing.T) {
	t.Parallel()
	lost := newRun(embedded("web-"), label("tekton.dev/pipeline", "web-xyz"),
		condition(corev1.ConditionFalse, tektonv1.PipelineRunReasonCouldntGetPipeline, ""))
	fine := green(embedded("web-"), label("tekton.dev/pipeline", "docker-build"))
	require.Empty(t, cmp.Diff(identity(lost), identity(fine)))
}

func TestLongBranchStaysWithinTheKey(t *testing.T) {
	t.Parallel()
	run := failing(label(pacPrefix+pacEventType, "push"), annotation(pacPrefix+pacBranch, strings.Repeat("é", 200)))
	key := identity(run).Key
	require.LessOrEqual(t, len(key), maxKey)
	require.True(t, strings.HasSuffix(key, "é"), "no half character at the end")
}
