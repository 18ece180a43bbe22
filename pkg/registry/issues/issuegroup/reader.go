// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuegroup

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/storage"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/registry/issues/issue"
)

// pageSize is how many members are read at once.
const pageSize = 500

// issueLister lists issues. *issue.REST does.
type issueLister interface {
	List(ctx context.Context, options *metainternalversion.ListOptions) (runtime.Object, error)
}

var _ issueLister = (*issue.REST)(nil)

// reader reads members in all namespaces, whatever the namespace of the request: the
// caller's right to a group is a matter of the group.
type reader struct{ issues issueLister }

// inGroup selects the members of one group, by its index.
func inGroup(key string) fields.Selector {
	return fields.OneTermEqualSelector(v1alpha1.FieldGroupKey, key)
}

// inAnyGroup selects the members of all groups.
func inAnyGroup() fields.Selector { return fields.OneTermNotEqualSelector(v1alpha1.FieldGroupKey, "") }

// each passes every selected issue to visit, namespace by namespace, and returns the
// revision at which they were read: the given one, or the newest for an empty one. It
// answers errExpired when a given one cannot be read. Errors name no issue.
func (r reader) each(
	ctx context.Context, selector fields.Selector, revision string, visit func(*issues.Issue),
) (string, error) {
	ctx = genericapirequest.WithNamespace(ctx, metav1.NamespaceAll)
	options := &metainternalversion.ListOptions{FieldSelector: selector, Limit: pageSize}
	if revision != "" {
		options.ResourceVersion, options.ResourceVersionMatch = revision, metav1.ResourceVersionMatchExact
	}
	for {
		obj, err := r.issues.List(ctx, options)
		if revision != "" && (apierrors.IsResourceExpired(err) || storage.IsTooLargeResourceVersion(err)) {
			return "", errExpired
		}
		if err != nil {
			return "", issue.WithoutNames(ctx, err)
		}
		page, ok := obj.(*issues.IssueList)
		if !ok {
			return "", apierrors.NewInternalError(fmt.Errorf("want an IssueList, got %T", obj))
		}
		for i := range page.Items {
			visit(&page.Items[i])
		}
		if page.Continue == "" {
			return page.ResourceVersion, nil
		}
		options = &metainternalversion.ListOptions{FieldSelector: selector, Limit: pageSize, Continue: page.Continue}
	}
}

var errExpired = errors.New("this revision of the issues is not kept")

// one reads a group; nil when it has no member. With a trend it is read in detail.
func (r reader) one(ctx context.Context, key, viewpoint string, trend *trend) (*summary, string, error) {
	if key == "" {
		return nil, "", nil
	}
	sum := newSummary(key, viewpoint, trend)
	revision, err := r.each(ctx, inGroup(key), "", sum.add)
	if err != nil || sum.status.Total == 0 {
		return nil, "", err
	}
	return sum, revision, nil
}
