// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"

// SymptomRule gives one key to what alerts and events say of a workload in words of their
// own, so that they meet in one issue.
type SymptomRule struct {
	// symptom is the key of the issues, in CamelCase, such as CrashLoop.
	// +required
	Symptom string `json:"symptom"`
	// title says what is wrong, after the workload's name. At most 128 characters.
	// +required
	Title string `json:"title"`
	// severity is that of issues whose alert says none. Defaults to major.
	// +optional
	Severity issuesv1alpha1.IssueSeverity `json:"severity,omitempty"`
	// alerts are names of alerts (the label alertname).
	// +optional
	// +listType=set
	Alerts []string `json:"alerts,omitempty"`
	// subject is what the alerts are about, where it is no workload. Without it labels tell,
	// such as deployment, workload or pod.
	// +optional
	Subject *AlertSubject `json:"subject,omitempty"`
	// events are Kubernetes events of type Warning.
	// +optional
	// +listType=atomic
	Events []EventMatch `json:"events,omitempty"`
	// recoveries are Kubernetes events of type Normal that end the problem.
	// +optional
	// +listType=atomic
	Recoveries []EventMatch `json:"recoveries,omitempty"`
}

// AlertSubject names a resource by a label of the alert. An alert without the label is about
// what its other labels tell.
type AlertSubject struct {
	// apiGroup of the resource; empty for the core group.
	// +optional
	APIGroup string `json:"apiGroup,omitempty"`
	// kind of the resource, such as Certificate.
	// +required
	Kind string `json:"kind"`
	// label whose value is the resource's name.
	// +required
	Label string `json:"label"`
}

// EventMatch tells events by what they say.
type EventMatch struct {
	// reason of the event.
	// +required
	Reason string `json:"reason"`
	// message is a part of the event's message, where the reason alone does not tell. Empty
	// matches every message.
	// +optional
	Message string `json:"message,omitempty"`
}
