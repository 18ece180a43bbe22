// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issues

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

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// IssueMonitor watches a resource of its own namespace, and reports the
// objects that fail and recover. Whoever writes its spec needs the right to
// get, list and watch the resource there.
type IssueMonitor struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	Spec   IssueMonitorSpec
	Status IssueMonitorStatus
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// IssueMonitorList is a list of monitors.
type IssueMonitorList struct {
	metav1.TypeMeta
	metav1.ListMeta
	Items []IssueMonitor
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ClusterIssueMonitor watches a resource of many namespaces, and reports each
// object in its own namespace. Whoever writes its spec needs the right to get,
// list and watch the resource in all namespaces. The namespace kite-system is
// never watched.
type ClusterIssueMonitor struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	Spec   IssueMonitorSpec
	Status IssueMonitorStatus
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ClusterIssueMonitorList is a list of monitors.
type ClusterIssueMonitorList struct {
	metav1.TypeMeta
	metav1.ListMeta
	Items []ClusterIssueMonitor
}

// IssueMonitorSpec says what is watched, when it fails, and what is reported.
// Expressions are CEL, with Kubernetes' libraries and parseJSON, and these
// variables: object is the watched object as JSON has it, owner the controller
// of its controller and so on (apiGroup, kind, name, uid), or the object itself
// where it has none, item a member of forEach, table the rows of table by name. An
// expression has at most 4096 bytes.
type IssueMonitorSpec struct {
	Resource     MonitoredResource
	Mode         MonitorMode
	Table        []MonitorRow
	ForEach      string
	Ignore       string
	Failing      string
	Recovered    string
	ObservedAt   string
	For          *metav1.Duration
	RecoveredFor *metav1.Duration
	Issue        IssueTemplate
}

// MonitorRow is a row of a monitor's table: table["NAME"].COLUMN in expressions.
type MonitorRow struct {
	Name   string
	Values map[string]string
}

// MonitoredResource names what is watched.
type MonitoredResource struct {
	Group             string
	Version           string
	Kind              string
	Resource          string
	LabelSelector     *metav1.LabelSelector
	FieldSelector     string
	NamespaceSelector *metav1.LabelSelector
}

// IssueMonitorStatus says what a monitor sees.
type IssueMonitorStatus struct {
	ObservedGeneration int64
	Watched            int32
	Failing            int32
	Pending            int32
	LastError          *MonitorError
	Conditions         []metav1.Condition
}

// MonitorError is what went wrong for one object.
type MonitorError struct {
	Namespace string
	Name      string
	Field     string
	Message   string
	At        metav1.Time
}
