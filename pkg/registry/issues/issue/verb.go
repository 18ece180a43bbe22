// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issue

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/operation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/utils/clock"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/apis/issues/validation"
	rules "kite.dev/kite/pkg/issue"
)

// verb is something that people do to an issue.
type verb struct {
	kind     string
	newBody  func() runtime.Object
	validate func(body runtime.Object, now time.Time) field.ErrorList
	// apply returns the issue itself when nothing changes.
	apply func(current *issues.Issue, by string, body runtime.Object, now time.Time) (*issues.Issue, error)
}

var resolveVerb = newVerb("IssueResolution",
	func(body *issues.IssueResolution, _ time.Time) field.ErrorList {
		return validation.ValidateIssueResolution(body)
	},
	func(current *issues.Issue, by string, body *issues.IssueResolution, now time.Time) (*issues.Issue, error) {
		next, _ := rules.Resolve(current, by, body, now)
		return next, nil
	})

var reopenVerb = newVerb("IssueReopening",
	func(body *issues.IssueReopening, _ time.Time) field.ErrorList {
		return validation.ValidateIssueReopening(body)
	},
	func(current *issues.Issue, by string, _ *issues.IssueReopening, now time.Time) (*issues.Issue, error) {
		next, _ := rules.Reopen(current, by, now)
		return next, nil
	})

var acknowledgeVerb = newVerb("IssueAcknowledgement", validation.ValidateIssueAcknowledgement, acknowledge)

// acknowledge changes nothing when a request for a given time is repeated.
func acknowledge(
	current *issues.Issue, by string, body *issues.IssueAcknowledgement, now time.Time,
) (*issues.Issue, error) {
	have := current.Status.Acknowledged
	if have != nil && body.Until != nil && have.By == by && have.Note == body.Note &&
		have.Until.Time.Equal(body.Until.Truncate(time.Second)) {
		return current, nil
	}
	return rules.Acknowledge(current, by, body, now)
}

func newVerb[T any, B interface {
	*T
	runtime.Object
}](
	kind string,
	validate func(B, time.Time) field.ErrorList,
	apply func(*issues.Issue, string, B, time.Time) (*issues.Issue, error),
) verb {
	return verb{
		kind:    kind,
		newBody: func() runtime.Object { return B(new(T)) },
		validate: func(body runtime.Object, now time.Time) field.ErrorList {
			return validate(body.(B), now) //nolint:forcetypeassert // checked by Create
		},
		apply: func(current *issues.Issue, by string, body runtime.Object, now time.Time) (*issues.Issue, error) {
			return apply(current, by, body.(B), now) //nolint:forcetypeassert // checked by Create
		},
	}
}

// VerbREST serves a subresource by which people act on an issue: a POST that is
// answered with the issue. The server attributes it to the request's user, at its
// own time.
type VerbREST struct {
	verb
	scheme *runtime.Scheme
	issues *REST
	clock  clock.PassiveClock
}

var (
	_ rest.NamedCreater    = (*VerbREST)(nil)
	_ rest.StorageMetadata = (*VerbREST)(nil)
	_ rest.TableConvertor  = (*VerbREST)(nil)
)

func newVerbREST(scheme *runtime.Scheme, issues *REST, clock clock.PassiveClock, v verb) *VerbREST {
	return &VerbREST{verb: v, scheme: scheme, issues: issues, clock: clock}
}

// New implements rest.Storage: what a client sends.
func (r *VerbREST) New() runtime.Object { return r.newBody() }

// Destroy implements rest.Storage. The store is the main resource's.
func (*VerbREST) Destroy() {}

// ProducesMIMETypes implements rest.StorageMetadata.
func (*VerbREST) ProducesMIMETypes(string) []string { return nil }

// ProducesObject implements rest.StorageMetadata: what a client gets.
func (*VerbREST) ProducesObject(string) any { return v1alpha1.Issue{} }

// ConvertToTable implements rest.TableConvertor.
func (r *VerbREST) ConvertToTable(ctx context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	return r.issues.ConvertToTable(ctx, obj, options)
}

// Create implements rest.NamedCreater.
func (r *VerbREST) Create(
	ctx context.Context, name string, body runtime.Object, validate rest.ValidateObjectFunc, options *metav1.CreateOptions,
) (runtime.Object, error) {
	user, ok := genericapirequest.UserFrom(ctx)
	if !ok {
		return nil, apierrors.NewInternalError(errors.New("the request has no user"))
	}
	if err := r.check(ctx, name, body); err != nil {
		return nil, err
	}
	if validate != nil {
		if err := validate(ctx, body.DeepCopyObject()); err != nil {
			return nil, err
		}
	}
	issue, err := r.issues.UpdateDecided(ctx, name, func(current *issues.Issue) (*issues.Issue, error) {
		if err := unmodified(current, body); err != nil {
			return nil, apierrors.NewConflict(issues.Resource("issues"), name, err)
		}
		next, err := r.apply(current, user.GetName(), body, r.clock.Now())
		if errors.Is(err, rules.ErrResolved) {
			return nil, apierrors.NewConflict(issues.Resource("issues"), name, err)
		}
		return next, err
	}, options.DryRun)
	if err != nil {
		return nil, err
	}
	return issue, nil
}

// unmodified fails when the body names another resourceVersion than the issue has.
func unmodified(current *issues.Issue, body runtime.Object) error {
	accessor, err := meta.Accessor(body)
	if err != nil {
		return err
	}
	if given := accessor.GetResourceVersion(); given != "" && given != current.ResourceVersion {
		return fmt.Errorf("the issue has changed, and is of resourceVersion %s", current.ResourceVersion)
	}
	return nil
}

// check refuses a body of another kind, for another issue, or that is invalid.
func (r *VerbREST) check(ctx context.Context, name string, body runtime.Object) error {
	if reflect.TypeOf(r.newBody()) != reflect.TypeOf(body) {
		return apierrors.NewBadRequest(fmt.Sprintf("want a %s, got %T", r.kind, body))
	}
	accessor, err := meta.Accessor(body)
	if err != nil {
		return apierrors.NewBadRequest(err.Error())
	}
	if given := accessor.GetName(); given != "" && given != name {
		return apierrors.NewBadRequest(fmt.Sprintf("metadata.name is %q, but the request is for the issue %q", given, name))
	}
	errs := r.validate(body, r.clock.Now())
	errs = rest.ValidateDeclarativelyWithMigrationChecks(
		ctx, r.scheme, body, nil, errs, operation.Create, rest.DeclarativeValidationConfig{})
	if len(errs) > 0 {
		return apierrors.NewInvalid(issues.Kind(r.kind), name, errs)
	}
	return nil
}
