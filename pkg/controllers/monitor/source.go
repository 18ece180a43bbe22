// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
)

// lastApplied is as large as the object and says nothing that it does not say.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// sourceKey is what monitors share an informer by.
type sourceKey struct {
	resource       schema.GroupVersionResource
	namespace      string
	labels, fields string
}

// source is an informer of one resource, for all monitors that watch it alike.
type source struct {
	key      sourceKey
	informer cache.SharedIndexInformer
	users    int
	stop     context.CancelFunc
	// problem is why the resource cannot be listed.
	problem atomic.Pointer[string]
}

// sources start with the first monitor of a resource, and end with the last. Its methods
// are called by one goroutine.
type sources struct {
	clients *Clients
	clock   clock.PassiveClock
	ends    sync.WaitGroup
	running map[sourceKey]*source
}

func keyOf(w *watcher) (sourceKey, error) {
	r := &w.spec.Resource
	out := sourceKey{
		resource:  schema.GroupVersionResource{Group: r.Group, Version: r.Version, Resource: r.Resource},
		namespace: w.key.Namespace, fields: r.FieldSelector,
	}
	if r.LabelSelector != nil {
		selector, err := metav1.LabelSelectorAsSelector(r.LabelSelector)
		if err != nil {
			return out, fmt.Errorf("read the label selector: %w", err)
		}
		out.labels = selector.String()
	}
	return out, nil
}

// join lets a watcher see every object of its source.
func (s *sources) join(ctx context.Context, w *watcher) error {
	key, err := keyOf(w)
	if err != nil {
		return err
	}
	shared := s.running[key]
	if shared == nil {
		if shared, err = s.start(ctx, key); err != nil {
			return err
		}
		s.running[key] = shared
	}
	ctx, w.leave = context.WithCancel(ctx)
	w.registration, err = shared.informer.AddEventHandler(w.handler(ctx))
	if err != nil {
		w.leave()
		return fmt.Errorf("watch %s: %w", key.resource, err)
	}
	shared.users++
	w.setSource(shared)
	return nil
}

func (s *sources) leave(w *watcher) {
	w.leave()
	_ = w.source.informer.RemoveEventHandler(w.registration) // it has been added
	w.source.users--
	w.setSource(nil)
}

// prune ends the sources that nobody uses.
func (s *sources) prune() {
	for key, shared := range s.running {
		if shared.users == 0 {
			shared.stop()
			delete(s.running, key)
		}
	}
}

func (s *sources) start(ctx context.Context, key sourceKey) (*source, error) {
	ctrl.LoggerFrom(ctx).Info("Monitors need a resource, watching it", "resource", key.resource.String(), "namespace", key.namespace)
	out := &source{key: key, informer: dynamicinformer.NewFilteredDynamicInformer(s.clients.Objects, key.resource, key.namespace, 0,
		cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc}, func(options *metav1.ListOptions) {
			options.LabelSelector, options.FieldSelector = key.labels, key.fields
		}).Informer()}
	if err := out.informer.SetTransform(slimObject); err != nil {
		return nil, err
	}
	err := out.informer.SetWatchErrorHandlerWithContext(func(ctx context.Context, r *cache.Reflector, err error) {
		message := err.Error()
		out.problem.Store(&message)
		cache.DefaultWatchErrorHandler(ctx, r, err)
	})
	if err != nil {
		return nil, err
	}
	ctx, out.stop = context.WithCancel(ctx)
	s.ends.Go(func() { out.informer.RunWithContext(ctx) })
	return out, nil
}

// end stops all informers, and waits for them.
func (s *sources) end() {
	for _, shared := range s.running {
		shared.stop()
	}
	s.ends.Wait()
}

// trouble is the last error of listing or watching.
func (s *source) trouble() string {
	if message := s.problem.Load(); message != nil {
		return *message
	}
	return ""
}

// object is one that is cached, or nil.
func (s *source) object(key types.NamespacedName) *unstructured.Unstructured {
	if s == nil {
		return nil
	}
	obj, exists, err := s.informer.GetStore().GetByKey(key.Namespace + "/" + key.Name)
	if err != nil || !exists {
		return nil
	}
	out, _ := obj.(*unstructured.Unstructured)
	return out
}

// of are the cached objects of a namespace.
func (s *source) of(namespace string) []*unstructured.Unstructured {
	if s == nil {
		return nil
	}
	found, err := s.informer.GetIndexer().ByIndex(cache.NamespaceIndex, namespace)
	if err != nil {
		return nil
	}
	out := make([]*unstructured.Unstructured, 0, len(found))
	for _, obj := range found {
		if object, ok := obj.(*unstructured.Unstructured); ok {
			out = append(out, object)
		}
	}
	return out
}

func (w *watcher) setSource(s *source) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.source = s
}

func (w *watcher) store() *source {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.source
}

func (w *watcher) object(key types.NamespacedName) *unstructured.Unstructured {
	return w.store().object(key)
}

// slimObject drops what people never see, and expressions need not.
func slimObject(obj any) (any, error) {
	object, ok := obj.(*unstructured.Unstructured)
	if !ok {
		return obj, nil
	}
	object.SetManagedFields(nil)
	if annotations := object.GetAnnotations(); annotations[lastApplied] != "" {
		delete(annotations, lastApplied)
		object.SetAnnotations(annotations)
	}
	return object, nil
}
