// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package scopedeleted

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/cache"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// shortLived are kinds that are deleted as a matter of course: that one of them is gone
// says nothing about what it ran for. There are many of them, too: whoever names one in an
// issue must not have all of the cluster listed.
var shortLived = map[schema.GroupKind]bool{
	{Kind: "Event"}:                     true,
	{Kind: "Pod"}:                       true,
	{Group: "apps", Kind: "ReplicaSet"}: true,
	{Group: "appstudio.redhat.com", Kind: "Release"}:  true,
	{Group: "appstudio.redhat.com", Kind: "Snapshot"}: true,
	{Group: "batch", Kind: "Job"}:                     true,
	{Group: "events.k8s.io", Kind: "Event"}:           true,
	{Group: "tekton.dev", Kind: "PipelineRun"}:        true,
	{Group: "tekton.dev", Kind: "TaskRun"}:            true,
}

// Indexes of issues: by the kind of their scope, and by its UID.
const (
	byKind = "kind"
	byUID  = "uid"
)

var indexers = cache.Indexers{
	byKind: func(obj any) ([]string, error) { return indexed(obj, func(s *scope) string { return s.kind.String() }) },
	byUID:  func(obj any) ([]string, error) { return indexed(obj, func(s *scope) string { return s.uid }) },
}

func indexed(obj any, value func(*scope) string) ([]string, error) {
	issue, ok := obj.(*issuesv1alpha1.Issue)
	if !ok {
		return nil, fmt.Errorf("want an Issue, got %T", obj)
	}
	if s := scopeOf(issue); s != nil {
		return []string{value(s)}, nil
	}
	return nil, nil
}

// scope is an object that an issue is about.
type scope struct {
	kind                 schema.GroupKind
	namespace, name, uid string
}

// scopeOf is nil for a scope that does not count.
func scopeOf(issue *issuesv1alpha1.Issue) *scope {
	s := &issue.Spec.Scope
	kind := schema.GroupKind{Group: s.APIGroup, Kind: s.Kind}
	if s.UID == "" || s.Namespace != issue.Namespace || shortLived[kind] {
		return nil
	}
	return &scope{kind: kind, namespace: s.Namespace, name: s.Name, uid: string(s.UID)}
}

// slimIssue keeps of an issue what this controller reads.
func slimIssue(obj any) (any, error) {
	issue, ok := obj.(*issuesv1alpha1.Issue)
	if !ok {
		return obj, nil
	}
	return &issuesv1alpha1.Issue{ObjectMeta: slimMeta(&issue.ObjectMeta), Spec: issuesv1alpha1.IssueSpec{Scope: issue.Spec.Scope}}, nil
}

// slimObject keeps of an object what tells it from others.
func slimObject(obj any) (any, error) {
	object, ok := obj.(*metav1.PartialObjectMetadata)
	if !ok {
		return obj, nil
	}
	return &metav1.PartialObjectMetadata{ObjectMeta: slimMeta(&object.ObjectMeta)}, nil
}

func slimMeta(meta *metav1.ObjectMeta) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: meta.Namespace, Name: meta.Name, UID: meta.UID, ResourceVersion: meta.ResourceVersion}
}
