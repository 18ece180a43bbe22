// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"
)

func newNamespaceInformer(client metadata.Interface) cache.SharedIndexInformer {
	namespaces := corev1.SchemeGroupVersion.WithResource("namespaces")
	return metadatainformer.NewFilteredMetadataInformer(client, namespaces, metav1.NamespaceAll, 0, cache.Indexers{}, nil).Informer()
}

// slimNamespace keeps the labels, by which monitors select.
func slimNamespace(obj any) (any, error) {
	in, ok := obj.(*metav1.PartialObjectMetadata)
	if !ok {
		return obj, nil
	}
	return &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Name: in.Name, UID: in.UID, ResourceVersion: in.ResourceVersion, Labels: in.Labels,
	}}, nil
}

// namespaceHandler tells a namespace that was made again from the one that is gone, also where
// the watch was interrupted meanwhile.
func (c *Controller) namespaceHandler() cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc: c.namespaceChanged,
		UpdateFunc: func(old, obj any) {
			last, _ := old.(metav1.Object)
			if next, ok := obj.(metav1.Object); ok && last.GetUID() != next.GetUID() {
				c.namespaceGone(last.GetName())
			}
			c.namespaceChanged(obj)
		},
		DeleteFunc: func(obj any) {
			if last, ok := lastOf(obj).(metav1.Object); ok {
				c.namespaceGone(last.GetName())
				c.namespaceChanged(last)
			}
		},
	}
}

// namespaceGone lets go of what was told of a namespace: its issues went with it.
func (c *Controller) namespaceGone(namespace string) {
	for _, w := range c.all() {
		w.follow(w.untold(namespace))
	}
}

func (w *watcher) untold(namespace string) []task {
	w.mu.Lock()
	defer w.mu.Unlock()
	var tasks []task
	for identity, p := range w.problems {
		if p.namespace == namespace {
			p.reported, p.issue = false, ""
			tasks = append(tasks, problemTask(w.key, namespace, identity))
		}
	}
	return tasks
}

// namespaceChanged has monitors that select namespaces look at this one's objects again.
func (c *Controller) namespaceChanged(obj any) {
	namespace, ok := obj.(*metav1.PartialObjectMetadata)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, w := range c.watchers {
		if w.namespaces != nil {
			c.queue.Add(task{kind: namespaceKind, monitor: key, namespace: namespace.Name})
		}
	}
}

// selects says whether a namespace has the labels that are asked for.
func (c *Controller) selects(selector labels.Selector, namespace string) bool {
	if selector == nil {
		return true
	}
	obj, exists, err := c.namespaces.GetStore().GetByKey(namespace)
	if err != nil || !exists {
		return false
	}
	found, ok := obj.(*metav1.PartialObjectMetadata)
	return ok && selector.Matches(labels.Set(found.Labels))
}
