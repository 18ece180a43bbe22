// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
	ctrl "sigs.k8s.io/controller-runtime"

	"kite.dev/kite/pkg/apis/issues"
	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/issuemonitor"
)

// parts are what a monitor of either kind consists of.
type parts struct {
	meta   *metav1.ObjectMeta
	spec   *issuesv1alpha1.IssueMonitorSpec
	status *issuesv1alpha1.IssueMonitorStatus
}

// existing are all monitors.
func (c *Controller) existing() map[types.NamespacedName]parts {
	out := map[types.NamespacedName]parts{}
	for _, obj := range append(c.monitors.GetStore().List(), c.clusterMonitors.GetStore().List()...) {
		p, ok := partsOf(obj)
		if ok && p.meta.DeletionTimestamp == nil {
			out[types.NamespacedName{Namespace: p.meta.Namespace, Name: p.meta.Name}] = p
		}
	}
	return out
}

func partsOf(obj any) (parts, bool) {
	switch o := obj.(type) {
	case *issuesv1alpha1.IssueMonitor:
		return parts{&o.ObjectMeta, &o.Spec, &o.Status}, true
	case *issuesv1alpha1.ClusterIssueMonitor:
		return parts{&o.ObjectMeta, &o.Spec, &o.Status}, true
	default:
		return parts{}, false
	}
}

// monitor is one of either kind, as it is cached.
func (c *Controller) monitor(key types.NamespacedName) (parts, bool) {
	store, name := c.clusterMonitors.GetStore(), key.Name
	if key.Namespace != "" {
		store, name = c.monitors.GetStore(), key.Namespace+"/"+key.Name
	}
	obj, exists, err := store.GetByKey(name)
	if err != nil || !exists {
		return parts{}, false
	}
	return partsOf(obj)
}

func (c *Controller) exists(key types.NamespacedName) bool {
	p, ok := c.monitor(key)
	return ok && p.meta.DeletionTimestamp == nil
}

// attach gives every monitor a watcher of its newest spec, and every watcher its source.
func (c *Controller) attach(ctx context.Context) {
	existing := c.existing()
	for key, w := range c.watchers { // only this goroutine writes
		p, ok := existing[key]
		if ok && p.meta.UID == w.uid && p.meta.Generation == w.generation {
			continue
		}
		c.remove(w)
		if !ok {
			ctrl.LoggerFrom(ctx).Info("A monitor was deleted, its issues are resolved", "monitor", key.String())
			c.look(sourceOf(key))
		}
	}
	for key, p := range existing {
		if c.watchers[key] == nil {
			c.add(key, p)
		}
	}
	for _, w := range c.watchers {
		c.connect(ctx, w)
	}
	c.sources.prune()
}

func (c *Controller) remove(w *watcher) {
	c.detach(w)
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.watchers, w.key)
}

func (c *Controller) add(key types.NamespacedName, p parts) {
	w := &watcher{
		c: c, key: key, uid: p.meta.UID, generation: p.meta.Generation, spec: p.spec.DeepCopy(),
		applied: applied(p),
	}
	w.renew = w.applied != w.generation
	w.invalid = w.compile()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watchers[key] = w
}

// compile fails for a monitor that this version would not have admitted.
func (w *watcher) compile() error {
	internal := &issues.IssueMonitorSpec{}
	if err := issuesv1alpha1.Convert_v1alpha1_IssueMonitorSpec_To_issues_IssueMonitorSpec(w.spec.DeepCopy(), internal, nil); err != nil {
		return err
	}
	compiled, errs := issuemonitor.Compile(internal, field.NewPath("spec"))
	if len(errs) > 0 {
		return errs.ToAggregate()
	}
	w.compiled = compiled
	if selector := w.spec.Resource.NamespaceSelector; selector != nil {
		var err error
		if w.namespaces, err = metav1.LabelSelectorAsSelector(selector); err != nil {
			return fmt.Errorf("read the namespace selector: %w", err)
		}
	}
	return nil
}

// connect has a watcher compare what it sees, once that is everything.
func (c *Controller) connect(ctx context.Context, w *watcher) {
	if w.invalid != nil {
		w.say(*refused(issuesv1alpha1.ReasonInvalid, cut(w.invalid.Error())))
		return
	}
	c.ask(ctx, w)
	if w.source == nil {
		return
	}
	trouble, synced := w.source.trouble(), w.registration.HasSynced()
	if !synced || trouble != "" {
		w.say(notListed(trouble))
	} else {
		w.say(metav1.Condition{Status: metav1.ConditionTrue, Reason: issuesv1alpha1.ReasonWatching, Message: "The resource is watched"})
	}
	if synced {
		w.completed()
	}
}

// ask finds out now and then whether a monitor may watch: it begins where it may, and ends where
// it may not. As long as nobody answers, it stays as it is.
func (c *Controller) ask(ctx context.Context, w *watcher) {
	pause := renewal
	if w.source == nil {
		pause = interval
	}
	now := c.clock.Now()
	if now.Sub(w.asked) < pause {
		return
	}
	w.asked = now
	refusal, err := c.sources.refusal(ctx, w)
	if refusal != nil {
		c.detach(w)
		w.say(*refusal)
		return
	}
	if err == nil && w.source == nil {
		err = c.sources.join(ctx, w)
	}
	switch {
	case err == nil:
	case w.source == nil:
		w.say(notListed(err.Error()))
	default:
		ctrl.LoggerFrom(ctx).Error(err, "Nobody knows whether a monitor may still watch, it goes on", "monitor", w.key.String())
	}
}

func notListed(trouble string) metav1.Condition {
	if trouble == "" {
		trouble = "The resource is being listed"
	}
	return metav1.Condition{Status: metav1.ConditionFalse, Reason: issuesv1alpha1.ReasonNotListed, Message: trouble}
}

// detach leaves the issues of a watcher as they are: nothing is known any longer.
func (c *Controller) detach(w *watcher) {
	if w.source != nil {
		c.sources.leave(w)
	}
}

// completed has everything compared, once.
func (w *watcher) completed() {
	w.mu.Lock()
	if w.complete {
		w.mu.Unlock()
		return
	}
	w.complete = true
	tasks := make([]task, 0, len(w.problems))
	for identity, p := range w.problems {
		tasks = append(tasks, problemTask(w.key, p.namespace, identity))
	}
	w.mu.Unlock()
	w.follow(tasks)
	w.c.look(sourceOf(w.key))
}
