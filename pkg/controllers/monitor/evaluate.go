// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/apis/issues/validation"
	"kite.dev/kite/pkg/issuemonitor"
)

// errNoTime is an error of a run that is over, but does not say since when.
var errNoTime = errors.New("gave no time for a run that has ended")

// handler evaluates each object that changes, in the informer's goroutine for this
// monitor. When all of the first list are handled, all are evaluated.
func (w *watcher) handler(ctx context.Context) cache.ResourceEventHandler {
	return handler(func(obj any) {
		if kept, ok := obj.(*packed); ok {
			w.see(ctx, nameOf(kept))
		}
	})
}

// see evaluates an object, and later again where that failed: its owner may not be
// readable yet.
func (w *watcher) see(ctx context.Context, key types.NamespacedName) {
	if err := w.evaluate(ctx, key); err != nil {
		w.c.queue.AddRateLimited(task{objectKind, w.key, key.Namespace, key.Name})
	}
}

// allOf evaluates the objects of a namespace whose labels have changed.
func (w *watcher) allOf(ctx context.Context, namespace string) {
	for _, key := range w.store().of(namespace) {
		w.see(ctx, key)
	}
}

// evaluate finds out how an object is doing, whatever there was to hear of it. The error is one
// that may go away by itself.
func (w *watcher) evaluate(ctx context.Context, key types.NamespacedName) error {
	for {
		var err error
		owned := w.ownershipOf(ctx, w.object(key))
		stopped := w.c.turns.Do(ctx, w.key.Namespace, func() { err = w.evaluateOwned(ctx, key, &owned) })
		if stopped != nil || !errors.Is(err, errAdopted) {
			return err
		}
	}
}

// evaluateOwned reads the object. Nobody else has the turn meanwhile, so what is found is never
// older than what it replaces. Nothing is said of an object with another owner.
func (w *watcher) evaluateOwned(ctx context.Context, key types.NamespacedName, owned *ownership) error {
	source := w.store()
	obj := source.object(key)
	if obj == nil || !w.watches(key.Namespace) {
		w.follow(w.apply(source, key, nil, nil, obj == nil))
		return nil
	}
	next, fields, err := w.findingsOf(ctx, obj, owned)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil:
		w.follow(w.apply(source, key, next, fields, false))
	case !errors.Is(err, errAdopted):
		w.failed(ctx, source, obj, err)
	}
	return temporary(err)
}

func (w *watcher) findingsOf(ctx context.Context, obj *unstructured.Unstructured, owned *ownership) (*object, []issuesv1alpha1.ReportedIssue, error) {
	in, err := w.input(obj, owned)
	if err != nil {
		return nil, nil, err
	}
	inputs, err := w.compiled.Items(ctx, in)
	if err != nil {
		return nil, nil, err
	}
	out := &object{uid: obj.GetUID()}
	fields := make([]issuesv1alpha1.ReportedIssue, 0, len(inputs))
	for item, in := range inputs {
		f, reported, err := w.findingOf(ctx, in)
		if err != nil {
			return nil, nil, w.ofItem(err, item)
		}
		out.findings, fields = append(out.findings, f), append(fields, reported)
	}
	return out, fields, nil
}

func (w *watcher) findingOf(ctx context.Context, in issuemonitor.Input) (finding, issuesv1alpha1.ReportedIssue, error) {
	none := issuesv1alpha1.ReportedIssue{}
	verdict, err := w.compiled.Judge(ctx, in)
	if err != nil {
		return finding{}, none, err
	}
	identity, err := w.compiled.Identify(ctx, in)
	if err != nil {
		return finding{}, none, err
	}
	fields, err := external(&identity)
	if err != nil {
		return finding{}, none, err
	}
	out := finding{
		identity: identityOf(in.Object.GetNamespace(), fields), about: fields.Scope.UID,
		verdict: verdict, seen: w.c.clock.Now(),
	}
	if verdict == issuemonitor.Failing || verdict == issuemonitor.Recovered {
		out.at, err = w.observedAt(ctx, in)
	}
	return out, fields, err
}

// observedAt takes a state's time that has not come yet for none. The end of a run orders it, so
// it is as the run tells it, whose clock may be ahead. One that the server would not take yet is
// waited for.
func (w *watcher) observedAt(ctx context.Context, in issuemonitor.Input) (time.Time, error) {
	at, err := w.compiled.ObservedAt(ctx, in)
	if err != nil {
		return time.Time{}, err
	}
	ahead := at.Sub(w.c.clock.Now())
	switch {
	case !w.isRun() && ahead > 0:
		return time.Time{}, nil
	case !w.isRun():
		return at, nil
	case at.IsZero():
		return at, errNoTime
	case ahead > validation.MaxAhead:
		return at, fmt.Errorf("says that the run ended at %s, which is yet to come", at.UTC().Format(time.RFC3339))
	default:
		return at, nil
	}
}

// failed keeps what was known of an object that cannot be evaluated, as something that
// neither fails nor has recovered.
func (w *watcher) failed(ctx context.Context, source *source, obj *unstructured.Unstructured, err error) {
	key := nameOf(obj)
	ctrl.LoggerFrom(ctx).V(1).Info("A monitor cannot evaluate an object", "monitor", w.key.String(), "object", key.String(), "reason", err.Error())
	w.mu.Lock()
	next, fields := &object{uid: obj.GetUID()}, []issuesv1alpha1.ReportedIssue(nil)
	if last := w.objects[key]; last != nil {
		next.fault = last.fault
		for _, f := range last.findings {
			fields = append(fields, w.problems[f.identity].fields)
			f.verdict = issuemonitor.Undecided
			next.findings = append(next.findings, f)
		}
	}
	w.mu.Unlock()
	next.fault = w.faultOf(key, err, next.fault)
	w.follow(w.apply(source, key, next, fields, false))
}

// temporary leaves out what only another object or another monitor mends.
func temporary(err error) error {
	if _, ok := errors.AsType[*issuemonitor.Error](err); ok || errors.Is(err, errNoTime) {
		return nil
	}
	return err
}

func (w *watcher) follow(tasks []task) {
	for _, t := range tasks {
		w.c.queue.Add(t)
	}
	w.c.statusSoon(w.key)
}
