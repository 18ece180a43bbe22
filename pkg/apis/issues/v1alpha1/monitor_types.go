// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Condition types of IssueMonitor and ClusterIssueMonitor.
const (
	// ConditionWatching is True while the resource is watched.
	ConditionWatching = "Watching"
	// ConditionEvaluated is False while an expression fails for an object.
	ConditionEvaluated = "Evaluated"
	// ConditionReported is False while a report is refused. Its observedGeneration is that of
	// the spec by which every Active issue was told.
	ConditionReported = "Reported"
)

// MonitorMode says what a watched object stands for.
// +enum
// +k8s:enum
type MonitorMode string

const (
	// ModeState: the object itself has the problem or has it not. The problem is
	// there while any object of its identity fails, and gone when none does, or
	// all are deleted.
	ModeState MonitorMode = "State"
	// ModeRun: the object is a run that ends, such as a Job. Of the runs of one
	// identity the one that ended last decides. That a run is deleted says
	// nothing.
	ModeRun MonitorMode = "Run"
)

// Reasons of the conditions of monitors.
const (
	// ReasonWatching: the resource is watched.
	ReasonWatching = "Watching"
	// ReasonKindMissing: the cluster does not serve the resource. It is
	// waited for.
	ReasonKindMissing = "KindMissing"
	// ReasonRightMissing: kite-controllers may not read the resource. The
	// message is the command that grants it.
	ReasonRightMissing = "RightMissing"
	// ReasonClusterScoped: the kind has no namespace to report to.
	ReasonClusterScoped = "ClusterScoped"
	// ReasonNotListed: the resource is not listed yet, or cannot be watched.
	ReasonNotListed = "NotListed"
	// ReasonEvaluated: every expression gave a value for every object.
	ReasonEvaluated = "Evaluated"
	// ReasonExpressionFailed: status.lastError tells which expression failed.
	ReasonExpressionFailed = "ExpressionFailed"
	// ReasonReported: every report was taken.
	ReasonReported = "Reported"
	// ReasonRefused: status.lastError tells why.
	ReasonRefused = "Refused"
	// ReasonChanged: what is Active is told anew since the spec has changed.
	ReasonChanged = "Changed"
)

// +genclient
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +k8s:supportsSubresource="/status"

// IssueMonitor watches a resource of its own namespace, and reports the
// objects that fail and recover. Whoever writes its spec needs the right to
// get, list and watch the resource there.
type IssueMonitor struct {
	// +k8s:opaqueType
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object's metadata.
	// +optional
	// +k8s:opaqueType
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec says what is watched, when it fails, and what is reported.
	// +optional
	Spec IssueMonitorSpec `json:"spec,omitempty"`

	// status says what the monitor sees.
	// +optional
	Status IssueMonitorStatus `json:"status,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// IssueMonitorList is a list of monitors.
type IssueMonitorList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard list's metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the monitors.
	Items []IssueMonitor `json:"items"`
}

// +genclient
// +genclient:nonNamespaced
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +k8s:supportsSubresource="/status"

// ClusterIssueMonitor watches a resource of many namespaces, and reports each
// object in its own namespace. Whoever writes its spec needs the right to get,
// list and watch the resource in all namespaces. The namespace kite-system is
// never watched.
type ClusterIssueMonitor struct {
	// +k8s:opaqueType
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object's metadata.
	// +optional
	// +k8s:opaqueType
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec says what is watched, when it fails, and what is reported.
	// +optional
	Spec IssueMonitorSpec `json:"spec,omitempty"`

	// status says what the monitor sees.
	// +optional
	Status IssueMonitorStatus `json:"status,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ClusterIssueMonitorList is a list of monitors.
type ClusterIssueMonitorList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard list's metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the monitors.
	Items []ClusterIssueMonitor `json:"items"`
}

// IssueMonitorSpec says what is watched, when it fails, and what is reported.
// Expressions are CEL, with Kubernetes' libraries and parseJSON, and these
// variables: object is the watched object as JSON has it, owner the controller
// of its controller and so on (apiGroup, kind, name, uid), or the object itself
// where it has none, item a member of forEach, table the rows of table by name. An
// expression has at most 4096 bytes.
type IssueMonitorSpec struct {
	// resource is what is watched.
	// +required
	Resource MonitoredResource `json:"resource"`

	// mode is State or Run. Defaults to State.
	// +optional
	// +default="State"
	// +k8s:optional
	Mode MonitorMode `json:"mode,omitempty"`

	// table are rows that expressions read by name, such as what is deprecated,
	// and for each its successor. At most 500.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +k8s:optional
	// +k8s:listType=map
	// +k8s:listMapKey=name
	// +k8s:maxItems=500
	Table []MonitorRow `json:"table,omitempty"`

	// forEach gives a list. Each of its members is asked for on its own, as
	// item, so that one object can have several issues, which differ in their
	// key. At most 100 members.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	ForEach string `json:"forEach,omitempty"`

	// ignore is true for objects that are left alone: they are neither
	// reported nor recovered. Asked first.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	Ignore string `json:"ignore,omitempty"`

	// failing is true for an object that has the problem.
	// +required
	// +k8s:required
	// +k8s:maxBytes=4096
	Failing string `json:"failing"`

	// recovered is true for an object that has the problem no more. Asked when
	// failing is false. Defaults to every object that does not fail. An object
	// that neither fails nor has recovered changes nothing.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	Recovered string `json:"recovered,omitempty"`

	// observedAt gives when the object came to fail or to recover, or when the
	// run ended, in the form of RFC 3339. Reports are ordered by it, and for
	// counts from it. Required for mode Run. Defaults to when it was seen, as
	// does an empty string and a time in the future.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	ObservedAt string `json:"observedAt,omitempty"`

	// for is how long an object must fail without a break before it is
	// reported. A duration such as 10m, at most 24h. Defaults to none: it is
	// reported at once.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	For *metav1.Duration `json:"for,omitempty"`

	// recoveredFor is how long an object that failed must have recovered without
	// a break before that counts, for what fails again and again. One that takes
	// its place counts at once. A duration such as 5m, at most 24h. Not for mode
	// Run. Defaults to none.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	RecoveredFor *metav1.Duration `json:"recoveredFor,omitempty"`

	// issue is what is reported of an object that fails.
	// +required
	// +k8s:subfield(title)=+k8s:required
	// +k8s:subfield(severity)=+k8s:required
	Issue IssueTemplate `json:"issue"`
}

// MonitorRow is a row of a monitor's table: table["NAME"].COLUMN in expressions.
type MonitorRow struct {
	// name of the row. At most 512 bytes.
	// +required
	// +k8s:required
	// +k8s:maxBytes=512
	Name string `json:"name"`

	// values of the row by column. At most 16, of at most 2048 bytes, with names
	// of at most 63.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	Values map[string]string `json:"values,omitempty"`
}

// MonitoredResource names what is watched.
type MonitoredResource struct {
	// group is the resource's API group; empty for the core group.
	// +optional
	// +k8s:optional
	// +k8s:format=k8s-long-name
	Group string `json:"group,omitempty"`

	// version is the version of the group in which objects are read.
	// +required
	// +k8s:required
	// +k8s:format=k8s-short-name
	Version string `json:"version"`

	// kind is the kind of the objects in CamelCase. At most 63 characters.
	// +required
	// +k8s:required
	// +k8s:maxBytes=63
	Kind string `json:"kind"`

	// resource is the plural under which the kind is served. It is what rights
	// are asked for, and what is watched. Defaults to the kind in lower case
	// with an English plural: deployments for Deployment.
	// +optional
	// +k8s:optional
	// +k8s:format=k8s-short-name
	Resource string `json:"resource,omitempty"`

	// labelSelector selects objects by labels. Defaults to all.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	LabelSelector *metav1.LabelSelector `json:"labelSelector,omitempty"`

	// fieldSelector selects objects by fields that the resource can be
	// selected by, such as spec.type=kubernetes.io/tls. At most 1024 bytes.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=1024
	FieldSelector string `json:"fieldSelector,omitempty"`

	// namespaceSelector selects namespaces by labels, in a
	// ClusterIssueMonitor only. Defaults to all but kite-system.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector,omitempty"`
}

// IssueMonitorStatus says what a monitor sees.
type IssueMonitorStatus struct {
	// observedGeneration is the generation of the spec that the rest of status
	// stands for.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// watched is the number of objects that are watched and not ignored.
	// +optional
	// +k8s:optional
	// +k8s:minimum=0
	Watched int32 `json:"watched,omitempty"`

	// failing is the number of objects that fail and are reported.
	// +optional
	// +k8s:optional
	// +k8s:minimum=0
	Failing int32 `json:"failing,omitempty"`

	// pending is the number of objects that fail, but not yet for spec.for.
	// +optional
	// +k8s:optional
	// +k8s:minimum=0
	Pending int32 `json:"pending,omitempty"`

	// lastError is the error of an expression or a report that has lasted longest.
	// +optional
	// +k8s:optional
	LastError *MonitorError `json:"lastError,omitempty"`

	// conditions are Watching and Evaluated.
	// +optional
	// +patchMergeKey=type
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=type
	// +k8s:optional
	// +k8s:listType=map
	// +k8s:listMapKey=type
	// +k8s:maxItems=16
	// +k8s:eachVal=+k8s:opaqueType
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type"`
}

// MonitorError is what went wrong for one object.
type MonitorError struct {
	// namespace of the object.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=253
	Namespace string `json:"namespace,omitempty"`

	// name of the object.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=253
	Name string `json:"name,omitempty"`

	// field is the path of the expression that failed, such as
	// spec.issue.title. Empty when the report was refused.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=253
	Field string `json:"field,omitempty"`

	// message says what went wrong. At most 1024 bytes.
	// +required
	// +k8s:required
	// +k8s:maxBytes=1024
	Message string `json:"message"`

	// at is when.
	// +required
	// +k8s:opaqueType
	At metav1.Time `json:"at"`
}
