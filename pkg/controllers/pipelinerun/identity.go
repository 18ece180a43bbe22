// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"cmp"
	"strings"
	"time"

	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

const (
	componentGroup  = "appstudio.redhat.com"
	tektonGroup     = "tekton.dev"
	kindApplication = "Application"
	kindComponent   = "Component"
	kindPipeline    = "Pipeline"
	kindPipelineRun = "PipelineRun"

	// unseenLimit resolves issues that no later run may ever resolve: those of
	// runs that have nothing in common with another, and those of pull requests
	// that were closed meanwhile.
	unseenLimit = 7 * 24 * time.Hour
)

// identity fills in what tells the run's problem apart from others, and whom it
// concerns. It depends on the run's metadata and spec only, which do not change
// from one run to the next, and never on how the run ended.
func identity(run *tektonv1.PipelineRun) issuesv1alpha1.ReportedIssue {
	stage := stageOf(run)
	return issuesv1alpha1.ReportedIssue{
		Type:         typeOf(run),
		Scope:        scopeOf(run),
		Stage:        stage,
		Key:          keyOf(run, stage),
		Application:  run.Labels[labelApplication],
		Component:    run.Labels[labelComponent],
		Origin:       originOf(run),
		ExpiresAfter: expiryOf(run, stage),
	}
}

// sameProblem says whether two runs of a namespace report to the same issue.
func sameProblem(a, b *tektonv1.PipelineRun) bool {
	x, y := identity(a), identity(b)
	return x.Type == y.Type && x.Scope == y.Scope && x.Stage == y.Stage && x.Key == y.Key
}

func typeOf(run *tektonv1.PipelineRun) string {
	switch run.Labels[labelRunType] {
	case "build":
		return issuesv1alpha1.TypeBuild
	case "test":
		return issuesv1alpha1.TypeTest
	case "release":
		return issuesv1alpha1.TypeRelease
	}
	if run.Labels[labelScenario] != "" {
		return issuesv1alpha1.TypeTest
	}
	return issuesv1alpha1.TypePipeline
}

// scopeOf is the long-lived thing that the run was for. The name of a remote
// pipeline is no such thing: components share it. Nor is Tekton's own label
// with the pipeline's name, which changes with how far the run got. A test without a
// component is one of several components together.
func scopeOf(run *tektonv1.PipelineRun) issuesv1alpha1.IssueScope {
	if component := run.Labels[labelComponent]; component != "" {
		return issuesv1alpha1.IssueScope{APIGroup: componentGroup, Kind: kindComponent, Name: component}
	}
	if application := run.Labels[labelApplication]; application != "" && typeOf(run) == issuesv1alpha1.TypeTest {
		return issuesv1alpha1.IssueScope{APIGroup: componentGroup, Kind: kindApplication, Name: application}
	}
	if name := pipelineOf(run); name != "" {
		return issuesv1alpha1.IssueScope{APIGroup: tektonGroup, Kind: kindPipeline, Name: name}
	}
	return issuesv1alpha1.IssueScope{APIGroup: tektonGroup, Kind: kindPipelineRun, Name: run.Name}
}

// pipelineOf is the pipeline's name, or for a pipeline without one the part of
// the run's name that its siblings share.
func pipelineOf(run *tektonv1.PipelineRun) string {
	if ref := run.Spec.PipelineRef; ref != nil && ref.Name != "" {
		return ref.Name
	}
	return strings.TrimRight(run.GenerateName, "-.")
}

// stageOf goes by the event. A push keeps the number of the pull request that caused it.
func stageOf(run *tektonv1.PipelineRun) issuesv1alpha1.IssueStage {
	event := strings.ToLower(pac(run, pacEventType))
	pushed := event == "push" || event == "incoming"
	switch {
	case isPullRequest(event) || !pushed && pac(run, pacPullRequest) != "":
		return issuesv1alpha1.StagePullRequest
	case run.Labels[labelRunType] == "release":
		return issuesv1alpha1.StageRelease
	case pushed || strings.HasSuffix(event, "-comment"): // as /retest below a pushed commit
		return issuesv1alpha1.StagePush
	default:
		return ""
	}
}

// isPullRequest knows the names of GitHub and GitLab, the latter's also as it fits into a
// label.
func isPullRequest(event string) bool {
	return strings.HasPrefix(event, "pull_request") || event == "merge request" || event == "merge_request"
}

// keyOf joins what tells apart runs of one scope and stage: the pull request or
// the branch that is not the default one, and the test scenario.
func keyOf(run *tektonv1.PipelineRun, stage issuesv1alpha1.IssueStage) string {
	var parts []string
	if stage == issuesv1alpha1.StagePullRequest {
		parts = append(parts, cmp.Or(pac(run, pacPullRequest), pac(run, pacSourceBranch)))
	}
	if stage == issuesv1alpha1.StagePush || stage == issuesv1alpha1.StageRelease {
		parts = append(parts, sideBranch(run))
	}
	parts = append(parts, run.Labels[labelScenario])
	return cutBytes(oneLine(strings.Trim(strings.Join(parts, "/"), "/")), maxKey)
}

// sideBranch is the run's branch, or empty for one that by its name is the
// default. The run does not say which one is; a default branch of another name
// merely has its name as key.
func sideBranch(run *tektonv1.PipelineRun) string {
	return unlessDefault(pushedBranch(run))
}

func expiryOf(run *tektonv1.PipelineRun, stage issuesv1alpha1.IssueStage) *metav1.Duration {
	unique := scopeOf(run).Kind == kindPipelineRun
	tag := strings.HasPrefix(pac(run, pacBranch), "refs/tags/")
	if unique || tag || stage == issuesv1alpha1.StagePullRequest {
		return &metav1.Duration{Duration: unseenLimit}
	}
	return nil
}

func severityOf(issue *issuesv1alpha1.ReportedIssue) issuesv1alpha1.IssueSeverity {
	if issue.Stage == issuesv1alpha1.StageRelease {
		return issuesv1alpha1.SeverityCritical
	}
	return issuesv1alpha1.SeverityMajor
}
