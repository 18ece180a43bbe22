// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuegroup

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/utils/clock"

	"kite.dev/kite/pkg/apis/issues"
)

// CountsREST serves the subresource group of issues: how many other issues share an
// issue's group, for those who may read that one issue. It tells nothing that another
// namespace's issues say.
type CountsREST struct {
	tableConvertor

	issues rest.Getter
	reader reader
}

var (
	_ rest.Getter         = (*CountsREST)(nil)
	_ rest.TableConvertor = (*CountsREST)(nil)
)

// issueReader gets and lists issues.
type issueReader interface {
	rest.Getter
	issueLister
}

// NewCountsREST returns the storage of issues/group.
func NewCountsREST(store issueReader, clock clock.PassiveClock) *CountsREST {
	return &CountsREST{issues: store, reader: reader{store}, tableConvertor: tableConvertor{clock}}
}

// New implements rest.Storage.
func (*CountsREST) New() runtime.Object { return &issues.IssueGroup{} }

// Destroy implements rest.Storage. The store is that of issues.
func (*CountsREST) Destroy() {}

// Get implements rest.Getter.
func (r *CountsREST) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	obj, err := r.issues.Get(ctx, name, options)
	if err != nil {
		return nil, err
	}
	issue, ok := obj.(*issues.Issue)
	if !ok {
		return nil, apierrors.NewInternalError(fmt.Errorf("want an Issue, got %T", obj))
	}
	sum, revision, err := r.reader.one(ctx, issue.Spec.GroupKey, genericapirequest.NamespaceValue(ctx), nil)
	if err != nil {
		return nil, err
	}
	if sum == nil {
		return nil, apierrors.NewNotFound(issues.Resource("issues/group"), name)
	}
	counts := sum.counts(revision)
	return &counts, nil
}
