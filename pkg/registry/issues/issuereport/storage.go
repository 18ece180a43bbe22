// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuereport

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/operation"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/util/dryrun"
	"k8s.io/utils/clock"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/validation"
	rules "kite.dev/kite/pkg/issue"
	"kite.dev/kite/pkg/registry/issues/issue"
)

// issueStore is what reports need of the storage of issues. *issue.REST is one.
type issueStore interface {
	Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error)
	List(ctx context.Context, options *metainternalversion.ListOptions) (runtime.Object, error)
	CreateDecided(
		ctx context.Context, issue *issues.Issue, validate rest.ValidateObjectFunc, dryRun []string,
	) (*issues.Issue, error)
	UpdateDecided(
		ctx context.Context, name string, decide func(current *issues.Issue) (*issues.Issue, error), dryRun []string,
	) (*issues.Issue, error)
}

var relatedPath = field.NewPath("spec", "issue", "relatedIssues")

var _ issueStore = (*issue.REST)(nil)

// REST serves issuereports.
type REST struct {
	scheme     *runtime.Scheme
	store      issueStore
	claims     issue.ClaimHolders
	authorizer authorizer.UnconditionalAuthorizer
	relations  issue.Relations
	quota      admission.Interface
	clock      clock.PassiveClock
	combiner   combiner
}

var (
	_ rest.Creater              = (*REST)(nil)
	_ rest.Scoper               = (*REST)(nil)
	_ rest.SingularNameProvider = (*REST)(nil)
	_ rest.TableConvertor       = (*REST)(nil)
)

// NewREST returns the storage of issuereports. Claims must be those of the store's
// database. The authorizer tells who may resolve what others reported, and get related issues. Quota, which may
// be nil, may refuse the creation of an issue.
func NewREST(
	scheme *runtime.Scheme, store issueStore, claims issue.ClaimHolders, authorizer authorizer.UnconditionalAuthorizer,
	quota admission.Interface, clock clock.PassiveClock,
) *REST {
	return &REST{
		scheme: scheme, store: store, claims: claims, authorizer: authorizer, relations: issue.Relations{Authorizer: authorizer},
		quota: quota, clock: clock,
	}
}

// New implements rest.Storage.
func (*REST) New() runtime.Object { return &issues.IssueReport{} }

// Destroy implements rest.Storage.
func (*REST) Destroy() {}

// NamespaceScoped implements rest.Scoper.
func (*REST) NamespaceScoped() bool { return true }

// GetSingularName implements rest.SingularNameProvider.
func (*REST) GetSingularName() string { return "issuereport" }

// Create implements rest.Creater: it applies the report and answers it.
func (r *REST) Create(
	ctx context.Context, obj runtime.Object, validate rest.ValidateObjectFunc, options *metav1.CreateOptions,
) (runtime.Object, error) {
	report, ok := obj.(*issues.IssueReport)
	if !ok {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("want an IssueReport, got %T", obj))
	}
	user, ok := genericapirequest.UserFrom(ctx)
	if !ok {
		return nil, apierrors.NewInternalError(errors.New("the request has no user"))
	}
	if err := rest.EnsureObjectNamespaceMatchesRequestNamespace(genericapirequest.NamespaceValue(ctx), report); err != nil {
		return nil, err
	}
	report.Status = issues.IssueReportStatus{}
	if err := r.check(ctx, report); err != nil {
		return nil, err
	}
	if err := r.relations.Check(ctx, report.Namespace, report.Spec.Issue.RelatedIssues, relatedPath); err != nil {
		return nil, err
	}
	if validate != nil {
		if err := validate(ctx, report.DeepCopy()); err != nil {
			return nil, err
		}
	}
	e := newEntry(report, user)
	if err := r.dispatch(ctx, e, options.DryRun); err != nil {
		return nil, err
	}
	answer := report.DeepCopy()
	answer.ManagedFields = nil
	answer.Status = e.status
	return answer, nil
}

// check returns every error of a report at once.
func (r *REST) check(ctx context.Context, report *issues.IssueReport) error {
	errs := validation.ValidateIssueReport(report, r.clock.Now())
	errs = rest.ValidateDeclarativelyWithMigrationChecks(
		ctx, r.scheme, report, nil, errs, operation.Create, rest.DeclarativeValidationConfig{})
	if len(errs) > 0 {
		return apierrors.NewInvalid(issues.Kind("IssueReport"), report.Name, errs)
	}
	return nil
}

// dispatch leaves the answer in the entry. A dry run takes part in no write, so it
// waits for none.
func (r *REST) dispatch(ctx context.Context, e *entry, dryRun []string) error {
	if e.widened() {
		return r.widen(ctx, e, dryRun)
	}
	identity := rules.IdentityOfReport(e.report)
	if dryrun.IsDryRun(dryRun) {
		r.apply(ctx, identity, []*entry{e}, dryRun)
		return e.err
	}
	return r.combiner.do(ctx, identity.Hash(), e, func(ctx context.Context, batch []*entry) {
		r.apply(ctx, identity, batch, nil)
	})
}
