// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"strings"

	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// originMintMaker says that MintMaker caused the change.
const originMintMaker = "mintmaker"

// mintmakerBranches begins the names of the branches that MintMaker proposes changes on.
const mintmakerBranches = "konflux/mintmaker/"

// originOf says who caused the change that a run is for, where that shows.
func originOf(run *tektonv1.PipelineRun) string {
	if strings.HasPrefix(strings.TrimPrefix(pac(run, pacSourceBranch), "refs/heads/"), mintmakerBranches) {
		return originMintMaker
	}
	return ""
}

// isUpdate says whether a run is MintMaker's attempt to update a component's
// dependencies. All of its runs are in one namespace, which nobody else writes to; labels
// alone would let anybody open issues in any namespace.
func (c *Config) isUpdate(run *tektonv1.PipelineRun) bool {
	return run.Namespace == c.MintMakerNamespace && run.Labels[labelUpdateNamespace] != "" && run.Labels[labelUpdateComponent] != ""
}

// home is the namespace of the team that a run concerns, where its issue belongs.
func (c *Config) home(run *tektonv1.PipelineRun) string {
	if c.isUpdate(run) {
		return run.Labels[labelUpdateNamespace]
	}
	return run.Namespace
}

// identityOf is identity, and for MintMaker's runs that of the component's update.
func (c *Config) identityOf(run *tektonv1.PipelineRun) issuesv1alpha1.ReportedIssue {
	if !c.isUpdate(run) {
		return identity(run)
	}
	issue := updateOf(run.Labels[labelUpdateComponent], run.Labels[labelUpdateBranch])
	issue.Application = run.Labels[labelApplication]
	return issue
}

// updateOf identifies the update of a component's dependencies on a branch.
func updateOf(component, branch string) issuesv1alpha1.ReportedIssue {
	return issuesv1alpha1.ReportedIssue{
		Type:      issuesv1alpha1.TypeDependency,
		Scope:     issuesv1alpha1.IssueScope{APIGroup: componentGroup, Kind: kindComponent, Name: component},
		Key:       cutBytes(oneLine(unlessDefault(branch)), maxKey),
		Component: component,
		Origin:    originMintMaker,
	}
}

// updatedBy is the update whose failure a green build recovers: a build of merged content
// that began after the failure has what MintMaker could not propose, or does without. That
// MintMaker's own next run is green says only that a change was proposed.
func updatedBy(run *tektonv1.PipelineRun) (issuesv1alpha1.IssueReportSpec, bool) {
	component := run.Labels[labelComponent]
	if typeOf(run) != issuesv1alpha1.TypeBuild || stageOf(run) != issuesv1alpha1.StagePush || component == "" {
		return issuesv1alpha1.IssueReportSpec{}, false
	}
	update := updateOf(component, pushedBranch(run))
	update.Application = run.Labels[labelApplication]
	spec := observation(run, update, run.CreationTimestamp.Time)
	spec.Reason = reasonBuilt
	return spec, true
}

// reasonBuilt is why an update's failure is over.
const reasonBuilt = "BuildSucceeded"

// recovers says whether a green run ends the problem of a failed one.
func (c *Config) recovers(green, failed *tektonv1.PipelineRun) bool {
	if c.isUpdate(green) {
		return false
	}
	if !c.isUpdate(failed) {
		return sameProblem(green, failed)
	}
	spec, ok := updatedBy(green)
	if !ok {
		return false
	}
	x, y := spec.Issue, c.identityOf(failed)
	return x.Scope == y.Scope && x.Key == y.Key
}

// recoveredAt is the time from which on a green run says that a failed one's problem is
// over.
func (c *Config) recoveredAt(green, failed *tektonv1.PipelineRun) metav1.Time {
	if c.isUpdate(failed) {
		return green.CreationTimestamp
	}
	return metav1.NewTime(completedAt(green))
}

func pushedBranch(run *tektonv1.PipelineRun) string {
	return strings.TrimPrefix(pac(run, pacBranch), "refs/heads/")
}

// unlessDefault is a branch, or nothing for one that by its name is the default.
func unlessDefault(branch string) string {
	if branch == "main" || branch == "master" {
		return ""
	}
	return branch
}
