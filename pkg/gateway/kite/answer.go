// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package kite

import (
	"time"

	"github.com/google/uuid"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// accepted answers a failure.
type accepted struct {
	Status string `json:"status"`
	Issue  *issue `json:"issue"`
}

// resolved answers a recovery.
type resolved struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

// issue is an issue as KITE writes it.
type issue struct {
	ID          string     `json:"id"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Severity    string     `json:"severity"`
	IssueType   string     `json:"issueType"`
	State       string     `json:"state"`
	DetectedAt  time.Time  `json:"detectedAt"`
	ResolvedAt  *time.Time `json:"resolvedAt"`
	Namespace   string     `json:"namespace"`
	ScopeID     string     `json:"scopeId"` //nolint:tagliatelle // as KITE writes it
	Scope       scope      `json:"scope"`
	Links       []link     `json:"links"`
	RelatedFrom []struct{} `json:"relatedFrom"`
	RelatedTo   []struct{} `json:"relatedTo"`
	CreatedAt   time.Time  `json:"createdAt"`
	UpdatedAt   time.Time  `json:"updatedAt"`
}

type scope struct {
	ID                string `json:"id"`
	ResourceType      string `json:"resourceType"`
	ResourceName      string `json:"resourceName"`
	ResourceNamespace string `json:"resourceNamespace"`
}

type link struct {
	ID      string `json:"id"`
	Title   string `json:"title"`
	URL     string `json:"url"`
	IssueID string `json:"issueId"` //nolint:tagliatelle // as KITE writes it
}

var states = map[issuesv1alpha1.IssueState]string{
	issuesv1alpha1.StateActive: "ACTIVE", issuesv1alpha1.StateResolved: "RESOLVED",
}

// issueOf writes an issue as KITE would. Scopes and links have no identity of their own
// here, and get one that stays the same.
func issueOf(in *issuesv1alpha1.Issue, of failure) *issue {
	id := string(in.UID)
	resourceType, name := of.scope()
	out := &issue{
		ID: id, Title: in.Spec.Title, Description: in.Spec.Description,
		Severity: string(in.Spec.Severity), IssueType: in.Spec.Type, State: states[in.Status.State],
		Namespace: in.Namespace, ScopeID: derivedID(id, "scope"),
		Scope: scope{
			ID: derivedID(id, "scope"), ResourceType: resourceType, ResourceName: name, ResourceNamespace: in.Namespace,
		},
		Links: []link{}, RelatedFrom: []struct{}{}, RelatedTo: []struct{}{},
		DetectedAt: timeOf(in.Status.FirstSeen), CreatedAt: in.CreationTimestamp.UTC(), UpdatedAt: timeOf(in.Status.LastSeen),
	}
	if in.Status.ResolvedAt != nil {
		at := timeOf(in.Status.ResolvedAt)
		out.ResolvedAt = &at
	}
	for _, l := range in.Spec.Links {
		out.Links = append(out.Links, link{ID: derivedID(id, l.URL), Title: l.Title, URL: l.URL, IssueID: id})
	}
	return out
}

// expected is the issue as the report left it, for a sender who may not read it.
func expected(namespace string, spec *issuesv1alpha1.IssueReportSpec, status *issuesv1alpha1.IssueReportStatus) *issuesv1alpha1.Issue {
	out := &issuesv1alpha1.Issue{Spec: issuesv1alpha1.IssueSpec(spec.Issue)}
	out.Namespace = namespace
	out.CreationTimestamp = metav1.NewTime(spec.ObservedAt.Time)
	out.Status.FirstSeen, out.Status.LastSeen = spec.ObservedAt, spec.ObservedAt
	out.Status.State = issuesv1alpha1.StateActive
	if status.Result == issuesv1alpha1.ResultStale {
		out.Status.State = issuesv1alpha1.StateResolved
	}
	for _, reached := range status.Issues {
		out.Name, out.UID = reached.Name, reached.UID
	}
	return out
}

func timeOf(at *metav1.MicroTime) time.Time {
	if at == nil {
		return time.Time{}
	}
	return at.UTC()
}

func derivedID(id, part string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(id+"/"+part)).String()
}
