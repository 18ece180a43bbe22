// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +kubebuilder:object:root=true

// ControllersConfiguration is the file that --config of kite-controllers names. What its
// fields say of a restart holds for the running process: the others are taken over while
// it runs.
type ControllersConfiguration struct {
	metav1.TypeMeta `json:",inline"`

	// controllers selects what runs: '*' means all but those that run only when named,
	// 'name' this one, '-name' not this one. The flag --controllers wins. A change needs a
	// restart.
	// +optional
	// +default=["*"]
	// +listType=atomic
	Controllers []string `json:"controllers,omitzero"`
	// pipelineRun is about the controller pipelinerun.
	// +optional
	PipelineRun PipelineRunConfiguration `json:"pipelineRun,omitzero"`
	// rules give failures groups, causes, severities and origins. Rules that are given here
	// replace all of the built-in ones.
	// +optional
	Rules *ReportRules `json:"rules,omitempty"`
	// clientConnection is how the host cluster is asked. A change needs a restart.
	// +optional
	ClientConnection ClientConnectionConfiguration `json:"clientConnection,omitzero"`
	// leaderElection lets one of several replicas work. A change needs a restart.
	// +optional
	LeaderElection LeaderElectionConfiguration `json:"leaderElection,omitzero"`
	// health is where probes ask. A change needs a restart.
	// +optional
	Health HealthConfiguration `json:"health,omitzero"`
	// metrics is where metrics and the running configuration are served. A change needs a
	// restart.
	// +optional
	Metrics MetricsConfiguration `json:"metrics,omitzero"`
	// shutdownTimeout is how long work in progress may take to end after the process is
	// told to stop. A change needs a restart.
	// +optional
	// +default="30s"
	ShutdownTimeout *metav1.Duration `json:"shutdownTimeout,omitempty"`
}

// PipelineRunConfiguration is about reports of Tekton's PipelineRuns.
type PipelineRunConfiguration struct {
	// concurrentSyncs is how many runs are reported at the same time, 1 to 100. A change
	// needs a restart.
	// +optional
	// +default=8
	ConcurrentSyncs *int32 `json:"concurrentSyncs,omitempty"`
	// startTimeout is how long a run may take from its admission to its first step, 1s to
	// 24h. One that takes longer is reported. Runs that wait already keep the limit that was
	// in force.
	// +optional
	// +default="10m"
	StartTimeout *metav1.Duration `json:"startTimeout,omitempty"`
	// logBytes is how much of the end of a failed step's log is read, in bytes, for rules and
	// for the excerpt; 0 reads no log, 65536 is the most.
	// +optional
	// +default=65536
	LogBytes *int32 `json:"logBytes,omitempty"`
	// logURL is the address of a run's log, with {namespace}, {name}, {uid}, {application}
	// and {component}, for runs that do not say where their log is. Empty gives no link.
	// +optional
	LogURL string `json:"logURL,omitempty"`
	// mintMakerNamespace is where MintMaker runs: its failures are reported to the namespaces
	// of the components that they concern. Empty believes no run that it is about another
	// namespace.
	// +optional
	// +default="mintmaker"
	MintMakerNamespace *string `json:"mintMakerNamespace,omitempty"`
}
