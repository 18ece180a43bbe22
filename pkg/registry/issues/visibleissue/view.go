// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package visibleissue

import (
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	"kite.dev/kite/pkg/apis/issues"
)

// separator stands between namespace and name. No namespace holds it.
const separator = "."

func visibleName(namespace, name string) string { return namespace + separator + name }

// issueName is the reverse of visibleName. What is no visible name gives a name that no
// issue has.
func issueName(visible string) (namespace, name string) {
	namespace, name, _ = strings.Cut(visible, separator)
	return namespace, name
}

// view shows an issue, with which it shares spec, status and maps.
func view(in *issues.Issue) *issues.VisibleIssue {
	out := &issues.VisibleIssue{ObjectMeta: in.ObjectMeta, Spec: in.Spec, Status: in.Status}
	out.Issue = issues.VisibleIssueSource{Namespace: in.Namespace, Name: in.Name}
	out.Name, out.Namespace, out.GenerateName = visibleName(in.Namespace, in.Name), "", ""
	out.ManagedFields, out.Finalizers, out.OwnerReferences = nil, nil, nil
	return out
}

func viewObject(in runtime.Object) runtime.Object {
	issue, ok := in.(*issues.Issue)
	if !ok {
		return in
	}
	return view(issue)
}

// viewBookmark keeps what a bookmark says: a revision, and whether all there was has been sent.
func viewBookmark(in *issues.Issue) *issues.VisibleIssue {
	out := &issues.VisibleIssue{}
	out.ResourceVersion, out.Annotations = in.ResourceVersion, in.Annotations
	return out
}
