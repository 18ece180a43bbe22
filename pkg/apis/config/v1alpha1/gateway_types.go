// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +kubebuilder:object:root=true

// GatewayConfiguration is the file that --config of kite-gateway names. What its fields say
// of a restart holds for the running process: the others are taken over while it runs.
type GatewayConfiguration struct {
	metav1.TypeMeta `json:",inline"`

	// serving is where webhooks, metrics and the running configuration are served. A change
	// needs a restart.
	// +optional
	Serving ServingConfiguration `json:"serving,omitzero"`
	// health is where probes ask. A change needs a restart.
	// +optional
	Health HealthConfiguration `json:"health,omitzero"`
	// limits bound what senders can ask for. A change needs a restart.
	// +optional
	Limits GatewayLimits `json:"limits,omitzero"`
	// timeouts bound how long things take. A change needs a restart.
	// +optional
	Timeouts GatewayTimeouts `json:"timeouts,omitzero"`
	// logURL is the address of a run's log, with {namespace} and {run}, for reports to KITE's
	// webhooks that do not say where the log is. Empty gives no link.
	// +optional
	LogURL string `json:"logURL,omitempty"`
	// rules give failures that come to KITE's webhooks groups, causes, severities and
	// origins. Rules that are given here replace all of the built-in ones.
	// +optional
	Rules *ReportRules `json:"rules,omitempty"`
	// symptoms give what alerts and events say of workloads their keys; the first that
	// matches counts. Those that are given here replace all of the built-in ones. There can
	// be 200. Alerts without a symptom have their own name as key, events without one are
	// left out.
	// +optional
	// +listType=atomic
	Symptoms []SymptomRule `json:"symptoms,omitzero"`
	// monitoringNamespaces are those of exporters that tell of other namespaces, such as
	// kube-state-metrics. An alert that has one of them in its label namespace belongs to the
	// namespace in exported_namespace; all others to that in namespace. Whoever can write
	// metrics in one of them has issues reported wherever Alertmanager's account may. There
	// can be 100.
	// +optional
	// +listType=set
	MonitoringNamespaces []string `json:"monitoringNamespaces,omitempty"`
	// eventExpiry is after how long an issue of an event is resolved when the event did not
	// come again. Alerts end by themselves.
	// +optional
	// +default="1h"
	EventExpiry *metav1.Duration `json:"eventExpiry,omitempty"`
}

// ServingConfiguration is about what is served over HTTPS.
type ServingConfiguration struct {
	// bindAddress is host:port.
	// +optional
	// +default=":8443"
	BindAddress string `json:"bindAddress,omitempty"`
	// certDir is a folder with tls.crt and tls.key, read again when they change.
	// +optional
	// +default="/etc/kite/tls"
	CertDir string `json:"certDir,omitempty"`
}

// GatewayLimits bound what senders can ask for, each replica by itself.
type GatewayLimits struct {
	// bodyBytes is how large a request may be, 1024 to 3145728. A larger one gets 413.
	// +optional
	// +default=262144
	BodyBytes *int32 `json:"bodyBytes,omitempty"`
	// connections is how many there are at once, 1 to 100000: each holds one request of
	// bodyBytes at most. Further ones wait.
	// +optional
	// +default=1000
	Connections *int32 `json:"connections,omitempty"`
	// inFlight is how many requests are worked on at once, 1 to 10000. Further ones get 503.
	// +optional
	// +default=256
	InFlight *int32 `json:"inFlight,omitempty"`
	// senderQPS is how many requests one sender may send in a second, on average, 1 to
	// 100000. Further ones get 429. A sender is a token, or a webhook that checks signatures.
	// +optional
	// +default=20
	SenderQPS *int32 `json:"senderQPS,omitempty"`
	// senderBurst is how many it may send at once, 1 to 100000.
	// +optional
	// +default=100
	SenderBurst *int32 `json:"senderBurst,omitempty"`
	// senders is of how many senders the rate is known, 1 to 1000000. The one that was silent
	// longest is forgotten.
	// +optional
	// +default=10000
	Senders *int32 `json:"senders,omitempty"`
}

// GatewayTimeouts bound how long things take.
type GatewayTimeouts struct {
	// read is for a request to come in.
	// +optional
	// +default="10s"
	Read *metav1.Duration `json:"read,omitempty"`
	// report is for the API to take all that a request says.
	// +optional
	// +default="10s"
	Report *metav1.Duration `json:"report,omitempty"`
	// write is from a request's header to the end of the answer; at least read and report
	// together.
	// +optional
	// +default="30s"
	Write *metav1.Duration `json:"write,omitempty"`
	// idle is for a connection without requests.
	// +optional
	// +default="2m"
	Idle *metav1.Duration `json:"idle,omitempty"`
	// leave is how long a replica that is told to stop says that it is not ready, and serves,
	// before it takes no more connections.
	// +optional
	// +default="5s"
	Leave *metav1.Duration `json:"leave,omitempty"`
	// shutdown is for requests in flight to end after that.
	// +optional
	// +default="30s"
	Shutdown *metav1.Duration `json:"shutdown,omitempty"`
}
