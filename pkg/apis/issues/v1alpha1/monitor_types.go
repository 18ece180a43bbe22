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
	// ReasonEvaluated: every expression gave a value for every object.
	ReasonEvaluated = "Evaluated"
	// ReasonExpressionFailed: status.lastError tells which expression failed.
	ReasonExpressionFailed = "ExpressionFailed"
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
// Expressions are CEL, with Kubernetes' libraries and two variables: object is
// the watched object as JSON has it, owner the controller of its controller and
// so on (apiGroup, kind, name, uid), or the object itself where it has none. An
// expression has at most 4096 bytes.
type IssueMonitorSpec struct {
	// resource is what is watched.
	// +required
	Resource MonitoredResource `json:"resource"`

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

	// for is how long an object must fail without a break before it is
	// reported. A duration such as 10m, at most 24h. Defaults to none: it is
	// reported at once.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	For *metav1.Duration `json:"for,omitempty"`

	// issue is what is reported of an object that fails.
	// +required
	Issue MonitoredIssue `json:"issue"`
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

// MonitoredIssue is what is reported of an object that fails. Its type, scope,
// stage and key are the problem's identity. Type and severity are as they are;
// all others but the kind of a link and expiresAfter are expressions that give
// a string, of which an empty one is as good as none.
type MonitoredIssue struct {
	// type says what kind of work fails; see an issue's spec.type.
	// +required
	// +k8s:required
	// +k8s:format=k8s-short-name
	Type string `json:"type"`

	// severity is critical, major, minor or info.
	// +required
	// +k8s:required
	Severity IssueSeverity `json:"severity"`

	// severityExpression gives the severity where it depends on the object.
	// Where it gives an empty string, severity counts.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	SeverityExpression string `json:"severityExpression,omitempty"`

	// scope names the resource that has the problem. Defaults to the watched
	// object.
	// +optional
	// +k8s:optional
	Scope *MonitoredScope `json:"scope,omitempty"`

	// title gives the issue's title. It is cut at 256 characters.
	// +required
	// +k8s:required
	// +k8s:maxBytes=4096
	Title string `json:"title"`

	// description gives the issue's description. It is cut at 32 KiB.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	Description string `json:"description,omitempty"`

	// key gives the issue's key: the symptom, where one resource can have
	// several problems of a type.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	Key string `json:"key,omitempty"`

	// stage gives PullRequest, Push, Release or an empty string.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	Stage string `json:"stage,omitempty"`

	// application gives the name of the application concerned.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	Application string `json:"application,omitempty"`

	// component gives the name of the component concerned.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	Component string `json:"component,omitempty"`

	// groupKey gives what the issues of one cause in many places share.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	GroupKey string `json:"groupKey,omitempty"`

	// origin gives who caused the change that failed.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	Origin string `json:"origin,omitempty"`

	// cause gives a short machine-readable reason in CamelCase.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	Cause string `json:"cause,omitempty"`

	// links lead to logs, runs and documents. At most 16.
	// +optional
	// +listType=atomic
	// +k8s:optional
	// +k8s:listType=atomic
	// +k8s:maxItems=16
	Links []MonitoredLink `json:"links,omitempty"`

	// dueDate gives when the problem must be solved, in the form of RFC 3339.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	DueDate string `json:"dueDate,omitempty"`

	// migration says what to change to.
	// +optional
	// +k8s:optional
	Migration *MonitoredMigration `json:"migration,omitempty"`

	// expiresAfter resolves the issue with reason Expired when it was not
	// reported for this long, for objects that go away without a recovery. A
	// duration such as 168h, more than zero.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	ExpiresAfter *metav1.Duration `json:"expiresAfter,omitempty"`
}

// MonitoredScope gives the resource that has the problem, in the namespace of
// the watched object.
type MonitoredScope struct {
	// apiGroup gives the resource's API group without version.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	APIGroup string `json:"apiGroup,omitempty"`

	// kind gives the resource's kind in CamelCase.
	// +required
	// +k8s:required
	// +k8s:maxBytes=4096
	Kind string `json:"kind"`

	// name gives the resource's name.
	// +required
	// +k8s:required
	// +k8s:maxBytes=4096
	Name string `json:"name"`

	// uid gives the resource's UID.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	UID string `json:"uid,omitempty"`
}

// MonitoredLink leads to something that helps. It is left out where its url is
// empty.
type MonitoredLink struct {
	// title gives the text to show.
	// +required
	// +k8s:required
	// +k8s:maxBytes=4096
	Title string `json:"title"`

	// url gives an absolute http or https address.
	// +required
	// +k8s:required
	// +k8s:maxBytes=4096
	URL string `json:"url"`

	// kind is Log, Run, Vulnerability, Documentation, Migration or Other.
	// Defaults to Other.
	// +optional
	// +default="Other"
	// +k8s:optional
	Kind IssueLinkKind `json:"kind,omitempty"`

	// description gives a sentence about what is there.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	Description string `json:"description,omitempty"`
}

// MonitoredMigration gives what to replace by what.
type MonitoredMigration struct {
	// from gives what is in use.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	From string `json:"from,omitempty"`

	// to gives what to use instead.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	To string `json:"to,omitempty"`

	// description gives how.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	Description string `json:"description,omitempty"`

	// url gives the address of instructions.
	// +optional
	// +k8s:optional
	// +k8s:maxBytes=4096
	URL string `json:"url,omitempty"`
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

	// lastError is the newest error of an expression or a report.
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
