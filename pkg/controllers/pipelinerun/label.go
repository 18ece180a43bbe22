// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

// Labels that Konflux puts on PipelineRuns.
const (
	labelApplication = "appstudio.openshift.io/application"
	labelComponent   = "appstudio.openshift.io/component"
	labelService     = "appstudio.openshift.io/service"
	labelRunType     = "pipelines.appstudio.openshift.io/type"
	labelScenario    = "test.appstudio.openshift.io/scenario"
	labelRelease     = "release.appstudio.openshift.io/name"
)

// Labels that MintMaker puts on PipelineRuns: the component that it tries to update, with
// its namespace, and the branch.
const (
	labelUpdateNamespace = "mintmaker.appstudio.redhat.com/namespace"
	labelUpdateComponent = "mintmaker.appstudio.redhat.com/component"
	labelUpdateBranch    = "mintmaker.appstudio.redhat.com/branch"
)

// Names that Pipelines-as-Code puts on PipelineRuns, as labels and partly as
// annotations. Test runs have them with testPrefix before the name.
const (
	pacPrefix  = "pipelinesascode.tekton.dev/"
	testPrefix = "pac.test.appstudio.openshift.io/"

	pacBranch      = "branch"
	pacEventType   = "event-type"
	pacLogURL      = "log-url"
	pacPullRequest = "pull-request"
	pacSHAURL      = "sha-url"
	// pacSourceBranch is the branch that a pull request would merge.
	pacSourceBranch = "source-branch"
)

// pac reads what Pipelines-as-Code says of a run. Annotations come first: values
// are cut and rewritten to fit into labels.
func pac(run object, name string) string {
	for _, key := range []string{pacPrefix + name, testPrefix + pacPrefix + name, testPrefix + name} {
		if value := run.GetAnnotations()[key]; value != "" {
			return value
		}
		if value := run.GetLabels()[key]; value != "" {
			return value
		}
	}
	return ""
}

type object interface {
	GetAnnotations() map[string]string
	GetLabels() map[string]string
}
