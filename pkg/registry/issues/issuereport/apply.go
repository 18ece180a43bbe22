// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuereport

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/admission"
	genericapirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/util/dryrun"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	rules "kite.dev/kite/pkg/issue"
)

// maxRaces bounds how often a write looks for its issue again. Each time somebody
// else has created, resolved or deleted it.
const maxRaces = 32

// apply answers every entry of the batch, which all are of one identity and wait in
// this order.
func (r *REST) apply(ctx context.Context, identity rules.Identity, batch []*entry, dryRun []string) {
	for races := 0; len(batch) > 0; {
		n, err := r.write(ctx, identity, batch, dryRun)
		switch {
		case err == nil:
			batch, races = batch[n:], 0
		case isRace(err) && races < maxRaces && ctx.Err() == nil:
			races++
		case isOwnFault(err) && len(batch) > 1, apierrors.IsForbidden(err) && isMixed(batch):
			for _, e := range batch {
				r.apply(ctx, identity, []*entry{e}, dryRun)
			}
			return
		default:
			for _, e := range batch {
				e.err = err
			}
			return
		}
	}
}

// write applies the first entries of the batch in one conditional write, answers
// them and returns their number, which is not 0.
func (r *REST) write(ctx context.Context, identity rules.Identity, batch []*entry, dryRun []string) (int, error) {
	t, err := r.locate(ctx, identity)
	if err != nil {
		return 0, err
	}
	var decided []verdict
	var stored *issues.Issue
	if t.exists {
		stored, err = r.store.UpdateDecided(ctx, t.name, func(current *issues.Issue) (*issues.Issue, error) {
			if current.DeletionTimestamp != nil {
				return nil, errBeingDeleted
			}
			if !t.accepts(current, identity) {
				return nil, errMoved
			}
			var next *issues.Issue
			next, decided = r.decide(ctx, current, batch)
			return next, nil
		}, dryRun)
	} else {
		var next *issues.Issue
		next, decided = r.decide(ctx, nil, batch)
		stored, err = r.create(ctx, next, t.name, dryRun)
	}
	if err != nil {
		return 0, err
	}
	dry := dryrun.IsDryRun(dryRun)
	for i, v := range decided {
		batch[i].err = v.err
		if v.err != nil {
			continue
		}
		if !v.reached {
			batch[i].answer(v.result, dry)
			continue
		}
		batch[i].answer(v.result, dry, stored)
	}
	return len(decided), nil
}

// create stores a new issue, if the reports made one.
func (r *REST) create(ctx context.Context, next *issues.Issue, name string, dryRun []string) (*issues.Issue, error) {
	if next == nil {
		return nil, nil //nolint:nilnil // recoveries of what never failed
	}
	next.Name = name
	return r.store.CreateDecided(ctx, next, r.withinQuota(ctx, next, dryRun), dryRun)
}

// withinQuota asks for a new issue as if its reporter had created it. Other admission
// plugins look at the report itself.
func (r *REST) withinQuota(ctx context.Context, next *issues.Issue, dryRun []string) rest.ValidateObjectFunc {
	user, _ := genericapirequest.UserFrom(ctx)
	attributes := admission.NewAttributesRecord(nil, nil, v1alpha1.SchemeGroupVersion.WithKind("Issue"), next.Namespace, next.Name,
		v1alpha1.SchemeGroupVersion.WithResource("issues"), "", admission.Create,
		&metav1.CreateOptions{DryRun: dryRun}, dryrun.IsDryRun(dryRun), user)
	return rest.AdmissionToValidateObjectFunc(r.quota, attributes, admission.NewObjectInterfacesFromScheme(r.scheme))
}

// verdict is what became of one entry.
type verdict struct {
	result issues.ReportResult
	// reached says that there was an issue.
	reached bool
	err     error
}

// decide applies entries in order, as many as one write may hold: a watch sees each
// change of state, so there is at most one. The result is current itself when
// nothing changes, and nil when there is no issue.
func (r *REST) decide(ctx context.Context, current *issues.Issue, batch []*entry) (*issues.Issue, []verdict) {
	next, flipped, verdicts := current, false, make([]verdict, 0, len(batch))
	for _, e := range batch {
		by, err := r.reporter(ctx, e, next)
		if err != nil {
			verdicts = append(verdicts, verdict{err: err})
			continue
		}
		decision := rules.Apply(next, e.report, by, r.clock.Now())
		if stateOf(decision.Issue) != stateOf(next) {
			if flipped {
				break
			}
			flipped = true
		}
		next = decision.Issue
		verdicts = append(verdicts, verdict{result: decision.Result, reached: next != nil})
	}
	return next, verdicts
}

func stateOf(issue *issues.Issue) issues.IssueState {
	if issue == nil {
		return ""
	}
	return issue.Status.State
}
