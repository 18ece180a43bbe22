// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"kite.dev/kite/pkg/apis/issues"
	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/issue"
)

// annotationReported holds in the cache what is kept of status.reported: its hash.
const annotationReported = "reported"

// Indexes of Active issues: by what found them, and by their identity.
const (
	bySource   = "source"
	byIdentity = "identity"
)

var issueIndexers = cache.Indexers{
	bySource: func(obj any) ([]string, error) {
		return indexed(obj, func(i *issuesv1alpha1.Issue) string { return i.Status.Source })
	},
	byIdentity: func(obj any) ([]string, error) {
		return indexed(obj, func(i *issuesv1alpha1.Issue) string { return identityOf(i.Namespace, identityFields(&i.Spec)) })
	},
}

func indexed(obj any, value func(*issuesv1alpha1.Issue) string) ([]string, error) {
	found, ok := obj.(*issuesv1alpha1.Issue)
	if !ok {
		return nil, fmt.Errorf("want an Issue, got %T", obj)
	}
	return []string{value(found)}, nil
}

// identityFields are those of a spec that a recovery needs.
func identityFields(spec *issuesv1alpha1.IssueSpec) issuesv1alpha1.ReportedIssue {
	return issuesv1alpha1.ReportedIssue{Type: spec.Type, Scope: spec.Scope, Stage: spec.Stage, Key: spec.Key}
}

// identityOf is the identity as the server computes it.
func identityOf(namespace string, reported issuesv1alpha1.ReportedIssue) string {
	return issue.IdentityOf(namespace, &issues.IssueSpec{
		Type:  reported.Type,
		Scope: issues.IssueScope(reported.Scope),
		Stage: issues.IssueStage(reported.Stage),
		Key:   reported.Key,
	}).Hash()
}

// slimIssue keeps of an issue what this controller reads: about 500 bytes.
func slimIssue(obj any) (any, error) {
	in, ok := obj.(*issuesv1alpha1.Issue)
	if !ok {
		return obj, nil
	}
	out := &issuesv1alpha1.Issue{ObjectMeta: metav1.ObjectMeta{
		Namespace: in.Namespace, Name: in.Name, UID: in.UID, ResourceVersion: in.ResourceVersion,
	}}
	fields := identityFields(&in.Spec)
	out.Spec = issuesv1alpha1.IssueSpec{Type: fields.Type, Scope: fields.Scope, Stage: fields.Stage, Key: fields.Key}
	out.Status.Source, out.Status.LastSeen, out.Status.LastReopened = in.Status.Source, in.Status.LastSeen, in.Status.LastReopened
	if in.Status.Reported != nil {
		out.Annotations = map[string]string{annotationReported: contentOf(*in.Status.Reported)}
	}
	return out, nil
}

// contentOf tells contents of reports apart. The server fills in the scope's namespace.
func contentOf(reported issuesv1alpha1.ReportedIssue) string {
	reported.Scope.Namespace = ""
	text, err := json.Marshal(reported)
	if err != nil {
		return ""
	}
	hash := sha256.Sum256(text)
	return hex.EncodeToString(hash[:])
}

// active is the Active issue of an identity, nil where there is none.
func (c *Controller) active(identity string) *issuesv1alpha1.Issue {
	found, err := c.issues.GetIndexer().ByIndex(byIdentity, identity)
	if err != nil || len(found) == 0 {
		return nil
	}
	out, _ := found[0].(*issuesv1alpha1.Issue)
	return out
}

// issueChanged looks at an issue of a monitor again: nothing may fail that stands behind
// it, or another reporter may have resolved what still fails.
func (c *Controller) issueChanged(obj any) {
	changed, ok := obj.(*issuesv1alpha1.Issue)
	if !ok {
		return
	}
	identity := identityOf(changed.Namespace, identityFields(&changed.Spec))
	if key, ok := monitorOf(changed.Status.Source); ok {
		c.queue.Add(problemTask(key, changed.Namespace, identity))
	}
	for _, w := range c.all() {
		if w.knows(identity) {
			c.queue.Add(problemTask(w.key, changed.Namespace, identity))
		}
	}
}

// look has the issues of a monitor looked at.
func (c *Controller) look(source string) {
	found, err := c.issues.GetIndexer().ByIndex(bySource, source)
	if err != nil {
		return
	}
	for _, obj := range found {
		c.issueChanged(obj)
	}
}
