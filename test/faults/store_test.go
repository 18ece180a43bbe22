// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"
	"strconv"

	"k8s.io/apimachinery/pkg/api/apitesting"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/apis/example"
	examplev1 "k8s.io/apiserver/pkg/apis/example/v1"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/value/encrypt/identity"

	"kite.dev/kite/pkg/storage/postgres"
)

const (
	prefix = "/pods/ns/"
	// valueLabel holds a write's value.
	valueLabel = "value"
)

var (
	scheme   = runtime.NewScheme()
	podCodec = apitesting.TestCodec(serializer.NewCodecFactory(scheme), examplev1.SchemeGroupVersion)
)

func init() {
	metav1.AddToGroupVersion(scheme, metav1.SchemeGroupVersion)
	utilruntime.Must(example.AddToScheme(scheme))
	utilruntime.Must(examplev1.AddToScheme(scheme))
}

func podStore() postgres.StoreConfig {
	return postgres.StoreConfig{
		GroupResource:    schema.GroupResource{Resource: "pods"},
		Prefix:           "/pods/",
		Codec:            podCodec,
		Transformer:      identity.NewEncryptCheckTransformer(),
		NewFunc:          func() runtime.Object { return &example.Pod{} },
		NewListFunc:      func() runtime.Object { return &example.PodList{} },
		BookmarkInterval: bookmarkInterval,
	}
}

func newPod(key, value string) *example.Pod {
	return &example.Pod{ObjectMeta: metav1.ObjectMeta{Name: key, Namespace: "ns", Labels: map[string]string{valueLabel: value}}}
}

func itemOf(pod *example.Pod) item {
	rev, _ := strconv.ParseInt(pod.ResourceVersion, 10, 64)
	return item{Key: pod.Name, Revision: rev, Value: pod.Labels[valueLabel]}
}

func (s *server) create(ctx context.Context, req request) (reply, error) {
	out := &example.Pod{}
	err := s.store.Create(ctx, prefix+req.Key, newPod(req.Key, req.Value), out, 0)
	return reply{Result: ok, Revision: itemOf(out).Revision}, err
}

func (s *server) update(ctx context.Context, req request) (reply, error) {
	var preconditions *storage.Preconditions
	if req.Verb == cas {
		rv := strconv.FormatInt(req.Revision, 10)
		preconditions = &storage.Preconditions{ResourceVersion: &rv}
	}
	var read int64
	out := &example.Pod{}
	err := s.store.GuaranteedUpdate(ctx, prefix+req.Key, out, false, preconditions,
		func(obj runtime.Object, _ storage.ResponseMeta) (runtime.Object, *uint64, error) {
			pod := obj.(*example.Pod)
			read = itemOf(pod).Revision
			pod.Labels = map[string]string{valueLabel: req.Value}
			return pod, nil, nil
		}, nil)
	return reply{Result: ok, Revision: itemOf(out).Revision, Read: read}, err
}

func (s *server) remove(ctx context.Context, req request) (reply, error) {
	out := &example.Pod{}
	err := s.store.Delete(ctx, prefix+req.Key, out, nil, storage.ValidateAllObjectFunc, nil, storage.DeleteOptions{})
	return reply{Result: ok, Revision: itemOf(out).Revision, Value: itemOf(out).Value}, err
}

func (s *server) get(ctx context.Context, req request) (reply, error) {
	out := &example.Pod{}
	err := s.store.Get(ctx, prefix+req.Key, storage.GetOptions{}, out)
	return reply{Result: ok, Revision: itemOf(out).Revision, Value: itemOf(out).Value}, err
}

func (s *server) list(ctx context.Context, req request) (reply, error) {
	opts := storage.ListOptions{Recursive: true, Predicate: everything()}
	opts.Predicate.Limit = req.Limit
	if req.Revision > 0 {
		opts.ResourceVersion, opts.ResourceVersionMatch = strconv.FormatInt(req.Revision, 10), metav1.ResourceVersionMatchExact
	}
	r := reply{Result: ok}
	for {
		page := &example.PodList{}
		if err := s.store.GetList(ctx, prefix, opts, page); err != nil {
			return r, err
		}
		rev, _ := strconv.ParseInt(page.ResourceVersion, 10, 64)
		if r.Revision != 0 && rev != r.Revision {
			return r, errPages
		}
		r.Revision = rev
		for i := range page.Items {
			r.Items = append(r.Items, itemOf(&page.Items[i]))
		}
		if page.Continue == "" {
			return r, nil
		}
		opts.Predicate.Continue, opts.ResourceVersion, opts.ResourceVersionMatch = page.Continue, "", ""
	}
}

func everything() storage.SelectionPredicate {
	return storage.SelectionPredicate{
		Label: labels.Everything(), Field: fields.Everything(), AllowWatchBookmarks: true,
		GetAttrs: func(obj runtime.Object) (labels.Set, fields.Set, error) {
			return obj.(*example.Pod).Labels, nil, nil
		},
	}
}

// podOf unwraps what watches share.
func podOf(obj runtime.Object) *example.Pod {
	if shared, ok := obj.(runtime.CacheableObject); ok {
		obj = shared.GetObject()
	}
	return obj.(*example.Pod)
}

// watch streams a watch's events until it ends.
func (s *server) watch(ctx context.Context, req request) {
	opts := storage.ListOptions{Recursive: req.Key == "", Predicate: everything(), ResourceVersion: strconv.FormatInt(req.Revision, 10)}
	w, err := s.store.Watch(ctx, prefix+req.Key, opts)
	if err != nil {
		s.send(reply{ID: req.ID, Result: sortError(err), Message: err.Error()})
		return
	}
	for ev := range w.ResultChan() {
		if ev.Type == watch.Error {
			err := apierrors.FromObject(ev.Object)
			s.send(reply{ID: req.ID, Result: sortError(err), Message: err.Error()})
			return
		}
		s.send(reply{ID: req.ID, Result: streaming, Event: &event{Type: string(ev.Type), item: itemOf(podOf(ev.Object))}})
	}
	s.send(reply{ID: req.ID, Result: ended})
}
