// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuegroupreport

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/operation"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/utils/clock"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/validation"
	"kite.dev/kite/pkg/registry/issues/issue"
	"kite.dev/kite/pkg/registry/issues/issuereport"
)

// issueLister lists issues. *issue.REST does.
type issueLister interface {
	List(ctx context.Context, options *metainternalversion.ListOptions) (runtime.Object, error)
}

// recoverer decides what a recovery does to one member. *issuereport.REST does.
type recoverer interface {
	Recover(
		ctx context.Context, member *issues.Issue, recovery issuereport.Recovery, dryRun []string,
	) (issues.ReportResult, error)
}

var (
	_ issueLister = (*issue.REST)(nil)
	_ recoverer   = (*issuereport.REST)(nil)
)

// REST serves issuegroupreports.
type REST struct {
	scheme  *runtime.Scheme
	issues  issueLister
	members recoverer
	clock   clock.PassiveClock
}

var (
	_ rest.Creater              = (*REST)(nil)
	_ rest.Scoper               = (*REST)(nil)
	_ rest.SingularNameProvider = (*REST)(nil)
	_ rest.TableConvertor       = (*REST)(nil)
)

// NewREST returns the storage of issuegroupreports. Members are found with lister and
// resolved by members.
func NewREST(scheme *runtime.Scheme, lister issueLister, members recoverer, clock clock.PassiveClock) *REST {
	return &REST{scheme: scheme, issues: lister, members: members, clock: clock}
}

// New implements rest.Storage.
func (*REST) New() runtime.Object { return &issues.IssueGroupReport{} }

// Destroy implements rest.Storage. The store is that of issues.
func (*REST) Destroy() {}

// NamespaceScoped implements rest.Scoper.
func (*REST) NamespaceScoped() bool { return false }

// GetSingularName implements rest.SingularNameProvider.
func (*REST) GetSingularName() string { return "issuegroupreport" }

// Create implements rest.Creater: it applies the report and answers it.
func (r *REST) Create(
	ctx context.Context, obj runtime.Object, validate rest.ValidateObjectFunc, options *metav1.CreateOptions,
) (runtime.Object, error) {
	report, ok := obj.(*issues.IssueGroupReport)
	if !ok {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("want an IssueGroupReport, got %T", obj))
	}
	user, ok := genericapirequest.UserFrom(ctx)
	if !ok {
		return nil, apierrors.NewInternalError(errors.New("the request has no user"))
	}
	report.Status = issues.IssueGroupReportStatus{}
	if err := r.check(ctx, report); err != nil {
		return nil, err
	}
	if validate != nil {
		if err := validate(ctx, report.DeepCopy()); err != nil {
			return nil, err
		}
	}
	total, err := r.resolve(ctx, issuereport.Recovery{
		GroupKey:   report.Spec.GroupKey,
		ObservedAt: report.Spec.ObservedAt,
		Reason:     report.Spec.Reason,
		By:         user,
	}, options.DryRun)
	if err := total.failure(ctx, err); err != nil {
		return nil, err
	}
	answer := report.DeepCopy()
	answer.ManagedFields = nil
	answer.Status = total.status()
	return answer, nil
}

// check returns every error of a report at once.
func (r *REST) check(ctx context.Context, report *issues.IssueGroupReport) error {
	errs := validation.ValidateIssueGroupReport(report, r.clock.Now())
	errs = rest.ValidateDeclarativelyWithMigrationChecks(
		ctx, r.scheme, report, nil, errs, operation.Create, rest.DeclarativeValidationConfig{})
	if len(errs) > 0 {
		return apierrors.NewInvalid(issues.Kind("IssueGroupReport"), report.Name, errs)
	}
	return nil
}

// ConvertToTable implements rest.TableConvertor.
func (*REST) ConvertToTable(_ context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	report, ok := obj.(*issues.IssueGroupReport)
	if !ok {
		return nil, fmt.Errorf("want an IssueGroupReport, got %T", obj)
	}
	table := &metav1.Table{}
	if opt, ok := options.(*metav1.TableOptions); !ok || !opt.NoHeaders {
		table.ColumnDefinitions = []metav1.TableColumnDefinition{
			{Name: "Result", Type: "string", Description: "What the report did."},
			{Name: "Resolved", Type: "integer", Description: "How many members it resolved."},
			{Name: "Stale", Type: "integer", Description: "How many members failed later and stay Active."},
		}
	}
	table.Rows = []metav1.TableRow{{
		Cells:  []any{string(report.Status.Result), int64(report.Status.Resolved), int64(report.Status.Stale)},
		Object: runtime.RawExtension{Object: report},
	}}
	return table, nil
}
