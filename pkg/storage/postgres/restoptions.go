// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
	"k8s.io/apiserver/pkg/storage/value"
	"k8s.io/apiserver/pkg/storage/value/encrypt/identity"
	flowcontrolrequest "k8s.io/apiserver/pkg/util/flowcontrol/request"
	"k8s.io/client-go/tools/cache"
)

// Resource is what the storage of one resource needs to know of it. Every field is
// optional; see StoreConfig.
type Resource struct {
	Claim            func(runtime.Object) []byte
	ClaimRefused     func(obj runtime.Object, holderKey string) error
	MaxClaims        int64
	ClaimsExceeded   func(obj runtime.Object, held int64) error
	Projection       *Projection
	BookmarkInterval time.Duration
}

// RESTOptionsGetter makes generic registries keep their resources with an Engine,
// without a watch cache: lists are read from PostgreSQL, and watches follow the
// process's one change feed, so memory does not grow with the number of objects.
type RESTOptionsGetter struct {
	Engine *Engine
	// Codec encodes and decodes what is stored.
	Codec runtime.Codec
	// Resources describe the resources that this getter may be asked for.
	Resources map[schema.GroupResource]Resource
	// Transformers encrypt what is stored, each resource as they say. Optional.
	Transformers value.ResourceTransformers
	// CountTracker learns how many objects there are, for priority and fairness. Optional.
	CountTracker flowcontrolrequest.StorageObjectCountTracker
}

var _ generic.RESTOptionsGetter = (*RESTOptionsGetter)(nil)

// GetRESTOptions implements generic.RESTOptionsGetter.
func (g *RESTOptionsGetter) GetRESTOptions(gr schema.GroupResource, _ runtime.Object) (generic.RESTOptions, error) {
	resource, ok := g.Resources[gr]
	if !ok {
		return generic.RESTOptions{}, fmt.Errorf("no storage is configured for %s", gr)
	}
	return generic.RESTOptions{
		StorageConfig:             (&storagebackend.Config{Codec: g.Codec}).ForResource(gr),
		Decorator:                 g.decorator(resource),
		EnableGarbageCollection:   true,
		DeleteCollectionWorkers:   4,
		ResourcePrefix:            gr.Group + "/" + gr.Resource,
		CountMetricPollPeriod:     time.Minute,
		StorageObjectCountTracker: g.CountTracker,
	}, nil
}

func (g *RESTOptionsGetter) decorator(resource Resource) generic.StorageDecorator {
	return func(
		config *storagebackend.ConfigForResource, resourcePrefix string, _ func(runtime.Object) (string, error),
		newFunc, newListFunc func() runtime.Object, getAttrs storage.AttrFunc, _ storage.IndexerFuncs, _ *cache.Indexers,
	) (storage.Interface, factory.DestroyFunc, error) {
		store, err := NewStore(g.Engine, StoreConfig{
			GroupResource:    config.GroupResource,
			Prefix:           resourcePrefix,
			Codec:            config.Codec,
			Transformer:      corruptAware{g.transformer(config.GroupResource)},
			NewFunc:          newFunc,
			NewListFunc:      newListFunc,
			Claim:            resource.Claim,
			ClaimRefused:     resource.ClaimRefused,
			MaxClaims:        resource.MaxClaims,
			ClaimsExceeded:   resource.ClaimsExceeded,
			Projection:       resource.Projection,
			GetAttrs:         getAttrs,
			BookmarkInterval: resource.BookmarkInterval,
		})
		return store, func() {}, err
	}
}

func (g *RESTOptionsGetter) transformer(gr schema.GroupResource) value.Transformer {
	if g.Transformers == nil {
		return identity.NewEncryptCheckTransformer()
	}
	return g.Transformers.TransformerForResource(gr)
}
