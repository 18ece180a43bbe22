// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
)

// taskKind says what a worker has to do.
type taskKind string

const (
	// problemKind compares what fails with the issue of one identity.
	problemKind taskKind = "problem"
	// objectKind evaluates an object again whose evaluation failed.
	objectKind taskKind = "object"
	// namespaceKind evaluates all objects of a namespace again.
	namespaceKind taskKind = "namespace"
	// statusKind writes a monitor's status.
	statusKind taskKind = "status"
)

// task is what a worker does at a time. No two workers have the same one.
type task struct {
	kind      taskKind
	monitor   types.NamespacedName
	namespace string
	// id is the identity of a problem, or the name of an object.
	id string
}

func problemTask(monitor types.NamespacedName, namespace, identity string) task {
	return task{problemKind, monitor, namespace, identity}
}

func (c *Controller) work(ctx context.Context) {
	for {
		t, shutdown := c.queue.Get()
		if shutdown {
			return
		}
		if !c.lanes.enter(t) {
			c.queue.Done(t)
			continue
		}
		err := c.do(ctx, t)
		switch {
		case err == nil, errors.Is(err, context.Canceled), apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
			c.queue.Forget(t)
		default:
			ctrl.LoggerFrom(ctx).V(1).Info("A monitor's work is not done yet", "monitor", t.monitor.String(), "task", t.kind,
				"namespace", t.namespace, "id", t.id, "reason", err.Error())
			c.queue.AddRateLimited(t)
		}
		c.queue.Done(t)
		if next, ok := c.lanes.leave(t); ok {
			c.queue.Add(next)
		}
	}
}

func (c *Controller) do(ctx context.Context, t task) error {
	if t.kind == problemKind {
		c.forget(t.id)
	}
	w := c.watcher(t.monitor)
	if w == nil {
		if t.kind == problemKind {
			return c.resolveOrphan(ctx, t)
		}
		return nil
	}
	switch t.kind {
	case problemKind:
		return w.reconcile(ctx, t)
	case objectKind:
		return w.evaluate(ctx, types.NamespacedName{Namespace: t.namespace, Name: t.id})
	case namespaceKind:
		w.allOf(ctx, t.namespace)
		return nil
	case statusKind:
		return c.writeStatus(ctx, w)
	default:
		return nil
	}
}
