// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
)

// maxSelections is how often the monitors of a namespace have the same objects kept, each time
// by other selectors.
const maxSelections = 8

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
	// problem is why the resource cannot be listed or watched.
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
		if w.key.Namespace != "" && s.selections(key) >= maxSelections {
			return fmt.Errorf("the monitors of the namespace watch %s by %d selectors, the most that they can: use one of these, or none with spec.ignore",
				key.resource.Resource, maxSelections)
		}
		if shared, err = s.start(ctx, key); err != nil {
			return err
		}
		s.running[key] = shared
	}
	w.start(shared) // the handler asks for it
	w.registration, err = shared.informer.AddEventHandler(w.handler(ctx))
	if err != nil {
		w.start(nil)
		return fmt.Errorf("watch %s: %w", key.resource, err)
	}
	shared.users++
	return nil
}

// selections counts the sources that keep objects of one resource and namespace.
func (s *sources) selections(of sourceKey) int {
	n := 0
	for key := range s.running {
		if key.resource == of.resource && key.namespace == of.namespace {
			n++
		}
	}
	return n
}

// leave ends what join began. The watcher forgets what it saw.
func (s *sources) leave(w *watcher) {
	_ = w.source.informer.RemoveEventHandler(w.registration) // it has been added
	w.source.users--
	w.start(nil)
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
	out := &source{key: key}
	out.informer = cache.NewSharedIndexInformerWithOptions(
		cache.ToListWatcherWithWatchListSemantics(out.listWatch(s.clients.Objects), s.clients.Objects),
		&unstructured.Unstructured{}, cache.SharedIndexInformerOptions{
			Indexers: cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc}, ObjectDescription: key.resource.String(),
		})
	if err := out.informer.SetTransform(pack); err != nil {
		return nil, err
	}
	err := out.informer.SetWatchErrorHandlerWithContext(func(ctx context.Context, r *cache.Reflector, err error) {
		if message := err.Error(); !apierrors.IsResourceExpired(err) && !apierrors.IsGone(err) && !errors.Is(err, io.EOF) {
			out.problem.Store(&message)
		}
		cache.DefaultWatchErrorHandler(ctx, r, err)
	})
	if err != nil {
		return nil, err
	}
	ctx, out.stop = context.WithCancel(ctx)
	s.ends.Go(func() { out.informer.RunWithContext(ctx) })
	return out, nil
}

// listWatch has no trouble as soon as a watch begins.
func (s *source) listWatch(client dynamic.Interface) *cache.ListWatch {
	objects := client.Resource(s.key.resource).Namespace(s.key.namespace)
	selecting := func(options metav1.ListOptions) metav1.ListOptions {
		options.LabelSelector, options.FieldSelector = s.key.labels, s.key.fields
		return options
	}
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			return objects.List(ctx, selecting(options))
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			out, err := objects.Watch(ctx, selecting(options))
			if err == nil {
				s.problem.Store(nil)
			}
			return out, err
		},
	}
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
	kept, ok := obj.(*packed)
	if !ok {
		return nil
	}
	return kept.unpack()
}

// of are the names of the cached objects of a namespace.
func (s *source) of(namespace string) []types.NamespacedName {
	if s == nil {
		return nil
	}
	found, err := s.informer.GetIndexer().ByIndex(cache.NamespaceIndex, namespace)
	if err != nil {
		return nil
	}
	out := make([]types.NamespacedName, 0, len(found))
	for _, obj := range found {
		if kept, ok := obj.(*packed); ok {
			out = append(out, nameOf(kept))
		}
	}
	return out
}

// start begins with a source, of which nothing is known, or with none.
func (w *watcher) start(s *source) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.source, w.complete = s, false
	w.objects, w.problems, w.broken = map[types.NamespacedName]*object{}, map[string]*problem{}, map[string]int{}
}

func (w *watcher) store() *source {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.source
}

func (w *watcher) object(key types.NamespacedName) *unstructured.Unstructured {
	return w.store().object(key)
}
