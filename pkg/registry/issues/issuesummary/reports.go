// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuesummary

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/util/dryrun"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/registry/issues/issuereport"
)

// Reports are issuereports that are counted by result, and whose users are noted.
type Reports struct {
	*issuereport.REST
	producers *Producers
}

var _ rest.Creater = (*Reports)(nil)

// NewReports counts and notes what the storage of issuereports takes.
func NewReports(reports *issuereport.REST, producers *Producers) *Reports {
	return &Reports{REST: reports, producers: producers}
}

// Create implements rest.Creater.
func (r *Reports) Create(
	ctx context.Context, obj runtime.Object, validate rest.ValidateObjectFunc, options *metav1.CreateOptions,
) (runtime.Object, error) {
	out, err := r.REST.Create(ctx, obj, validate, options)
	if dryrun.IsDryRun(options.DryRun) {
		return out, err
	}
	if err != nil {
		reports.WithLabelValues("refused").Inc()
		return nil, err
	}
	if report, ok := out.(*issues.IssueReport); ok {
		reports.WithLabelValues(string(report.Status.Result)).Inc()
	}
	if user, ok := genericapirequest.UserFrom(ctx); ok {
		r.producers.Note(genericapirequest.NamespaceValue(ctx), user.GetName())
	}
	return out, nil
}
