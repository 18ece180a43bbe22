// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package scopedeleted

import (
	"context"
	"errors"
	"io"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"
)

// watch sees the objects of one resource, and calls gone with every one that is deleted.
type watch struct {
	resource schema.GroupVersionResource
	gone     func(*metav1.PartialObjectMetadata)
	informer cache.SharedIndexInformer
	stop     context.CancelFunc
	// ended is set by the goroutine that calls need. What was seen stays in the store.
	ended bool
	// failing says that the resource could not be listed or watched since it was asked for.
	failing atomic.Bool
}

func newWatch(client metadata.Interface, resource schema.GroupVersionResource, gone func(*metav1.PartialObjectMetadata)) *watch {
	w := &watch{
		resource: resource, gone: gone,
		informer: metadatainformer.NewFilteredMetadataInformer(client, resource, metav1.NamespaceAll, 0, cache.Indexers{}, nil).Informer(),
	}
	_ = w.informer.SetTransform(slimObject)
	_ = w.informer.SetWatchErrorHandlerWithContext(w.failed)
	_, _ = w.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{UpdateFunc: w.updated, DeleteFunc: w.deleted})
	return w
}

func (w *watch) failed(ctx context.Context, r *cache.Reflector, err error) {
	if !apierrors.IsResourceExpired(err) && !apierrors.IsGone(err) && !errors.Is(err, io.EOF) {
		w.failing.Store(true)
	}
	cache.DefaultWatchErrorHandler(ctx, r, err)
}

// updated: one of the same name that came while the watch was interrupted is another object.
func (w *watch) updated(old, obj any) {
	before, ok := old.(*metav1.PartialObjectMetadata)
	if after, isObject := obj.(*metav1.PartialObjectMetadata); ok && isObject && before.UID != after.UID {
		w.gone(before)
	}
}

func (w *watch) deleted(obj any) {
	if unknown, ok := obj.(cache.DeletedFinalStateUnknown); ok {
		obj = unknown.Obj
	}
	if object, ok := obj.(*metav1.PartialObjectMetadata); ok {
		w.gone(object)
	}
}

// follow tells what another watch saw last, and this one does not find.
func (w *watch) follow(ctx context.Context, last *watch) {
	if !cache.WaitForCacheSync(ctx.Done(), w.informer.HasSynced) {
		return
	}
	for _, obj := range last.informer.GetStore().List() {
		if now, exists, err := w.informer.GetStore().Get(obj); err == nil && exists {
			w.updated(obj, now)
			continue
		}
		w.deleted(obj)
	}
}

// alive says that the watch goes on; it may fail.
func (w *watch) alive() bool { return w != nil && !w.ended }

func (w *watch) end() {
	w.stop()
	w.ended = true
}
