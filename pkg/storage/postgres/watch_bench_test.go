// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/storage"

	"kite.dev/kite/pkg/apis/issues/install"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/registry/issues/issue"
	"kite.dev/kite/test/bench/workload"
)

// BenchmarkWatchers measures what an event costs that 1,000 watches send, each as the
// watch handler does: it encodes the object for its client.
func BenchmarkWatchers(b *testing.B) {
	for name, selector := range map[string]fields.Selector{
		"everything": fields.Everything(),
		"selector":   fields.OneTermEqualSelector("spec.type", "build"),
	} {
		b.Run(name, func(b *testing.B) { benchWatchers(b, selector, 1000) })
	}
}

func benchWatchers(b *testing.B, selector fields.Selector, watchers int) {
	b.Helper()
	kind := workload.Issue()
	kind.Store.GetAttrs = issue.GetAttrs
	store := openBench(b, kind)
	issueScheme := runtime.NewScheme()
	install.Install(issueScheme)
	encoder := serializer.NewCodecFactory(issueScheme).LegacyCodec(v1alpha1.SchemeGroupVersion)
	key, obj := kind.Make(1)
	require.NoError(b, store.Create(b.Context(), key, obj, kind.Store.NewFunc(), 0))
	rev, err := store.GetCurrentResourceVersion(b.Context())
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(b.Context())
	var running, sent sync.WaitGroup
	for range watchers {
		w, err := store.Watch(ctx, kind.Store.Prefix, storage.ListOptions{
			Recursive: true, ResourceVersion: strconv.FormatUint(rev, 10),
			Predicate: storage.SelectionPredicate{Label: labels.Everything(), Field: selector, GetAttrs: issue.GetAttrs},
		})
		require.NoError(b, err)
		running.Go(func() { encodeAll(b, w, encoder, &sent) })
	}
	b.Cleanup(func() { cancel(); running.Wait() })
	touch := func() {
		sent.Add(watchers)
		require.NoError(b, store.GuaranteedUpdate(ctx, key, kind.Store.NewFunc(), false, nil,
			func(obj runtime.Object, _ storage.ResponseMeta) (runtime.Object, *uint64, error) {
				kind.Touch(obj)
				return obj, nil, nil
			}, nil))
		sent.Wait()
	}
	touch()
	b.ReportAllocs()
	before := cpuTime(b)
	for b.Loop() {
		touch()
	}
	b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/event")
}

func encodeAll(b *testing.B, w watch.Interface, encoder runtime.Encoder, sent *sync.WaitGroup) {
	b.Helper()
	for ev := range w.ResultChan() {
		if ev.Type != watch.Modified {
			b.Error(fmt.Errorf("want a change, got %+v", ev))
		}
		if err := encoder.Encode(ev.Object, io.Discard); err != nil {
			b.Error(err)
		}
		sent.Done()
	}
}

// cpuTime is what the process has used, PostgreSQL not included.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
