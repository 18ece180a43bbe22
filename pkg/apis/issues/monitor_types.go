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
// Expressions are CEL, with Kubernetes' libraries and two variables: object is
// the watched object as JSON has it, owner the controller of its controller and
// so on (apiGroup, kind, name, uid), or the object itself where it has none. An
// expression has at most 4096 bytes.
type IssueMonitorSpec struct {
	Resource  MonitoredResource
	Ignore    string
	Failing   string
	Recovered string
	For       *metav1.Duration
	Issue     MonitoredIssue
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

// MonitoredIssue is what is reported of an object that fails. Its type, scope,
// stage and key are the problem's identity. Type and severity are as they are;
// all others but the kind of a link and expiresAfter are expressions that give
// a string, of which an empty one is as good as none.
type MonitoredIssue struct {
	Type               string
	Severity           IssueSeverity
	SeverityExpression string
	Scope              *MonitoredScope
	Title              string
	Description        string
	Key                string
	Stage              string
	Application        string
	Component          string
	GroupKey           string
	Origin             string
	Cause              string
	Links              []MonitoredLink
	DueDate            string
	Migration          *MonitoredMigration
	ExpiresAfter       *metav1.Duration
}

// MonitoredScope gives the resource that has the problem, in the namespace of
// the watched object.
type MonitoredScope struct {
	APIGroup string
	Kind     string
	Name     string
	UID      string
}

// MonitoredLink leads to something that helps. It is left out where its url is
// empty.
type MonitoredLink struct {
	Title       string
	URL         string
	Kind        IssueLinkKind
	Description string
}

// MonitoredMigration gives what to replace by what.
type MonitoredMigration struct {
	From        string
	To          string
	Description string
	URL         string
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
