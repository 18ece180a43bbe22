// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"context"
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/issuemonitor"
)

// errNoTime is an error of a run that is over, but does not say since when.
var errNoTime = errors.New("gave no time for a run that has ended")

// handler evaluates each object that changes, in the informer's goroutine for this
// monitor. When all of the first list are handled, all are evaluated.
func (w *watcher) handler(ctx context.Context) cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { w.see(ctx, obj) },
		UpdateFunc: func(_, obj any) { w.see(ctx, obj) },
		DeleteFunc: func(obj any) {
			if unknown, ok := obj.(cache.DeletedFinalStateUnknown); ok {
				obj = unknown.Obj
			}
			if gone, ok := obj.(*unstructured.Unstructured); ok && ctx.Err() == nil {
				w.follow(w.apply(nameOf(gone), nil, nil, true))
			}
		},
	}
}

func (w *watcher) see(ctx context.Context, obj any) {
	object, ok := obj.(*unstructured.Unstructured)
	if !ok || ctx.Err() != nil {
		return
	}
	if err := w.evaluate(ctx, object); err != nil {
		name := nameOf(object)
		w.c.queue.AddRateLimited(task{objectKind, w.key, name.Namespace, name.Name})
	}
}

// again evaluates an object whose evaluation failed. That can be for something else than
// the object: its owner may not be readable yet.
func (w *watcher) again(ctx context.Context, namespace, name string) error {
	object := w.object(types.NamespacedName{Namespace: namespace, Name: name})
	if object == nil {
		return nil
	}
	return w.evaluate(ctx, object)
}

// allOf evaluates the objects of a namespace whose labels have changed.
func (w *watcher) allOf(ctx context.Context, namespace string) {
	for _, object := range w.store().of(namespace) {
		w.see(ctx, object)
	}
}

// evaluate finds out how an object is doing. The error is one that may go away by itself.
func (w *watcher) evaluate(ctx context.Context, obj *unstructured.Unstructured) error {
	key := nameOf(obj)
	if !w.watches(key.Namespace) {
		w.follow(w.apply(key, nil, nil, false))
		return nil
	}
	select {
	case w.c.evaluating <- struct{}{}:
		defer func() { <-w.c.evaluating }()
	case <-ctx.Done():
		return nil
	}
	next, fields, err := w.findingsOf(ctx, obj)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		w.failed(ctx, obj, err)
		return temporary(err)
	}
	w.carryOver(key, next)
	w.follow(w.apply(key, next, fields, false))
	w.mend(key, "")
	return nil
}

func (w *watcher) findingsOf(ctx context.Context, obj *unstructured.Unstructured) (*object, []issuesv1alpha1.ReportedIssue, error) {
	inputs, err := w.inputs(ctx, obj)
	if err != nil {
		return nil, nil, err
	}
	out := &object{uid: obj.GetUID()}
	fields := make([]issuesv1alpha1.ReportedIssue, 0, len(inputs))
	for _, in := range inputs {
		f, reported, err := w.findingOf(ctx, in)
		if err != nil {
			return nil, nil, err
		}
		out.findings, fields = append(out.findings, f), append(fields, reported)
	}
	return out, fields, nil
}

func (w *watcher) inputs(ctx context.Context, obj *unstructured.Unstructured) ([]issuemonitor.Input, error) {
	in := issuemonitor.Input{Object: obj}
	if w.compiled.ReadsOwner() {
		owner, err := w.c.owners.of(ctx, obj)
		if err != nil {
			return nil, err
		}
		in.Owner = owner
	}
	return w.compiled.Items(ctx, in)
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
	out := finding{identity: identityOf(in.Object.GetNamespace(), fields), verdict: verdict, seen: w.c.clock.Now()}
	if verdict == issuemonitor.Failing || verdict == issuemonitor.Recovered {
		out.at, err = w.observedAt(ctx, in)
	}
	return out, fields, err
}

// observedAt takes a time that has not come yet for none.
func (w *watcher) observedAt(ctx context.Context, in issuemonitor.Input) (time.Time, error) {
	at, err := w.compiled.ObservedAt(ctx, in)
	if err != nil {
		return time.Time{}, err
	}
	if at.After(w.c.clock.Now()) {
		at = time.Time{}
	}
	if at.IsZero() && w.isRun() {
		return at, errNoTime
	}
	return at, nil
}

// carryOver keeps since when the object has been seen as it is.
func (w *watcher) carryOver(key types.NamespacedName, next *object) {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := w.objects[key]
	if last == nil || last.uid != next.uid {
		return
	}
	before := make(map[string]*finding, len(last.findings))
	for i := range last.findings {
		before[last.findings[i].identity] = &last.findings[i]
	}
	for i := range next.findings {
		f := &next.findings[i]
		switch b := before[f.identity]; {
		case b == nil:
		case b.verdict == f.verdict:
			f.seen, f.mending = b.seen, b.mending
		default:
			f.mending = b.mending || b.verdict == issuemonitor.Failing
		}
	}
}

// failed keeps what was known of an object that cannot be evaluated, as something that
// neither fails nor has recovered.
func (w *watcher) failed(ctx context.Context, obj *unstructured.Unstructured, err error) {
	key := nameOf(obj)
	ctrl.LoggerFrom(ctx).V(1).Info("A monitor cannot evaluate an object", "monitor", w.key.String(), "object", key.String(), "reason", err.Error())
	w.mu.Lock()
	next, fields := &object{uid: obj.GetUID(), broken: true}, []issuesv1alpha1.ReportedIssue(nil)
	if last := w.objects[key]; last != nil {
		for _, f := range last.findings {
			fields = append(fields, w.problems[f.identity].fields)
			f.verdict = issuemonitor.Undecided
			next.findings = append(next.findings, f)
		}
	}
	w.mu.Unlock()
	w.note(key, "", err)
	w.follow(w.apply(key, next, fields, false))
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

func nameOf(obj *unstructured.Unstructured) types.NamespacedName {
	return types.NamespacedName{Namespace: obj.GetNamespace(), Name: obj.GetName()}
}
