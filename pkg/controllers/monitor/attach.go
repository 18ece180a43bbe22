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
			c.add(ctx, key, p)
		}
	}
	for _, w := range c.watchers {
		c.connect(ctx, w)
	}
	c.sources.prune()
}

func (c *Controller) remove(w *watcher) {
	c.detach(w)
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.watchers, w.key)
}

func (c *Controller) add(ctx context.Context, key types.NamespacedName, p parts) {
	w, err := c.newWatcher(key, p)
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "A monitor cannot be used", "monitor", key.String())
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watchers[key] = w
}

// newWatcher fails for a monitor that this version would not have admitted.
func (c *Controller) newWatcher(key types.NamespacedName, p parts) (*watcher, error) {
	spec := p.spec.DeepCopy()
	internal := &issues.IssueMonitorSpec{}
	if err := issuesv1alpha1.Convert_v1alpha1_IssueMonitorSpec_To_issues_IssueMonitorSpec(spec.DeepCopy(), internal, nil); err != nil {
		return nil, err
	}
	compiled, errs := issuemonitor.Compile(internal, field.NewPath("spec"))
	if len(errs) > 0 {
		return nil, errs.ToAggregate()
	}
	w := &watcher{
		c: c, key: key, uid: p.meta.UID, generation: p.meta.Generation, spec: spec, compiled: compiled,
		renew:   p.status.ObservedGeneration != 0 && p.status.ObservedGeneration != p.meta.Generation,
		objects: map[types.NamespacedName]*object{}, problems: map[string]*problem{}, broken: map[string]int{},
	}
	if selector := spec.Resource.NamespaceSelector; selector != nil {
		var err error
		if w.namespaces, err = metav1.LabelSelectorAsSelector(selector); err != nil {
			return nil, fmt.Errorf("read the namespace selector: %w", err)
		}
	}
	return w, nil
}

// connect starts what is missing, and ends what may not go on.
func (c *Controller) connect(ctx context.Context, w *watcher) {
	now := c.clock.Now()
	if w.source == nil || now.Sub(w.asked) >= renewal {
		w.asked = now
		if refusal := c.sources.refusal(ctx, w); refusal != nil {
			c.detach(w)
			w.say(*refusal)
			return
		}
	}
	if w.source == nil {
		if err := c.sources.join(ctx, w); err != nil {
			w.say(notListed(err.Error()))
			return
		}
	}
	if !w.registration.HasSynced() {
		w.say(notListed(w.source.trouble()))
		return
	}
	w.say(metav1.Condition{Status: metav1.ConditionTrue, Reason: issuesv1alpha1.ReasonWatching, Message: "The resource is watched"})
	w.completed()
}

func notListed(trouble string) metav1.Condition {
	if trouble == "" {
		trouble = "The resource is being listed"
	}
	return metav1.Condition{Status: metav1.ConditionFalse, Reason: issuesv1alpha1.ReasonNotListed, Message: trouble}
}

// detach leaves the issues of a watcher as they are: nothing is known any longer.
func (c *Controller) detach(w *watcher) {
	if w.source == nil {
		return
	}
	c.sources.leave(w)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.complete = false
	w.objects, w.problems, w.broken = map[types.NamespacedName]*object{}, map[string]*problem{}, map[string]int{}
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
