// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/apis/example"
	"k8s.io/apiserver/pkg/features"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/cacher"
	"k8s.io/apiserver/pkg/storage/feature"
	storagetesting "k8s.io/apiserver/pkg/storage/testing"
	"k8s.io/apiserver/pkg/storage/value/encrypt/identity"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/tools/cache"
	featuregatetesting "k8s.io/component-base/featuregate/testing"
	"k8s.io/utils/clock"
	testingclock "k8s.io/utils/clock/testing"
)

// supportsProgress tells the watch cache what its default, made for etcd clients,
// cannot find out: this storage answers requests for progress.
type supportsProgress struct{ feature.FeatureSupportChecker }

func (supportsProgress) Supports(f storage.Feature) bool { return f == storage.RequestWatchProgress }

func TestMain(m *testing.M) {
	feature.DefaultFeatureSupportChecker = supportsProgress{feature.DefaultFeatureSupportChecker}
	os.Exit(m.Run())
}

// cachedEnv is an env below upstream's watch cache.
type cachedEnv struct {
	*cacher.CacheDelegator
	cache *cacher.Cacher
	raw   *env
}

type cacheOption func(*cacher.Config)

func withClusterScopedKeys(cfg *cacher.Config) {
	cfg.KeyFunc = func(obj runtime.Object) (string, error) { return storage.NoNamespaceKeyFunc("/pods/", obj) }
}

func withIndexes(cfg *cacher.Config) {
	cfg.IndexerFuncs = map[string]storage.IndexerFunc{"spec.nodeName": nodeName}
	cfg.Indexers = &cache.Indexers{
		"f:spec.nodeName":      func(obj any) ([]string, error) { return []string{obj.(*example.Pod).Spec.NodeName}, nil },
		"f:metadata.namespace": func(obj any) ([]string, error) { return []string{obj.(*example.Pod).Namespace}, nil },
	}
}

func nodeName(obj runtime.Object) string {
	if pod, ok := obj.(*example.Pod); ok {
		return pod.Spec.NodeName
	}
	return ""
}

func podAttrs(obj runtime.Object) (labels.Set, fields.Set, error) {
	pod, ok := obj.(*example.Pod)
	if !ok {
		return nil, nil, errors.New("not a pod")
	}
	return pod.Labels, fields.Set{
		"metadata.name": pod.Name, "metadata.namespace": pod.Namespace, "spec.nodeName": pod.Spec.NodeName,
		"spec.restartPolicy": string(pod.Spec.RestartPolicy), "status.phase": string(pod.Status.Phase),
	}, nil
}

func setupCached(t *testing.T, raw *env, options ...cacheOption) *cachedEnv {
	t.Helper()
	cfg := cacher.Config{
		Storage: raw, Versioner: storage.APIObjectVersioner{}, GroupResource: pods,
		EventsHistoryWindow: cacher.DefaultEventFreshDuration, ResourcePrefix: "/pods/",
		KeyFunc:      func(obj runtime.Object) (string, error) { return storage.NamespaceKeyFunc("/pods/", obj) },
		GetAttrsFunc: podAttrs, NewFunc: newPod, NewListFunc: newPodList, Codec: raw.codec, Clock: clock.RealClock{},
		Indexers: &cache.Indexers{},
	}
	for _, o := range options {
		o(&cfg)
	}
	c, err := cacher.NewCacherFromConfig(cfg)
	require.NoError(t, err)
	delegator := cacher.NewCacheDelegator(c, cfg.Storage)
	t.Cleanup(func() { delegator.Stop(); c.Stop() })
	require.Eventually(t, c.Ready, 30*time.Second, 5*time.Millisecond)
	return &cachedEnv{CacheDelegator: delegator, cache: c, raw: raw}
}

// compact forgets history in the storage and in the cache.
func (e *cachedEnv) compact(ctx context.Context, t *testing.T, resourceVersion string) {
	t.Helper()
	e.raw.compact(ctx, t, resourceVersion)
	if utilfeature.DefaultFeatureGate.Enabled(features.ListFromCacheSnapshot) {
		require.NoError(t, e.cache.Compact(resourceVersion))
	}
}

// compactByClock is compact for a cache whose clock stands still: the cache asks the
// storage for its compact revision now and then.
func (e *cachedEnv) compactByClock(fake *testingclock.FakeClock) storagetesting.Compaction {
	return func(ctx context.Context, t *testing.T, resourceVersion string) {
		t.Helper()
		e.compact(ctx, t, resourceVersion)
		require.Eventually(t, func() bool {
			fake.Step(time.Minute)
			return e.CompactRevision() == e.raw.CompactRevision()
		}, 10*time.Second, time.Millisecond)
	}
}

// expiring is a storage whose watches can be told that their history is gone. That
// makes a cache forget its own history, as it does after a compaction that it has
// slept through.
type expiring struct {
	*env
	expire chan struct{}
	// watches counts those that were started.
	watches atomic.Int32
}

func (s *expiring) Watch(ctx context.Context, key string, opts storage.ListOptions) (watch.Interface, error) {
	w, err := s.env.Watch(ctx, key, opts)
	if err != nil {
		return nil, err
	}
	s.watches.Add(1)
	events := make(chan watch.Event)
	proxy := watch.NewProxyWatcher(events)
	go func() {
		defer close(events)
		defer w.Stop()
		for {
			var ev watch.Event
			var ok bool
			select {
			case <-proxy.StopChan():
				return
			case <-s.expire:
				status := apierrors.NewResourceExpired("history is gone").Status()
				ev, ok = watch.Event{Type: watch.Error, Object: &status}, true
			case ev, ok = <-w.ResultChan():
			}
			if !ok {
				return
			}
			select {
			case events <- ev:
			case <-proxy.StopChan():
				return
			}
		}
	}()
	return proxy, nil
}

// createWaits makes Create return only when the cache has the object, as upstream's
// own wrapper does for the tests that need it.
type createWaits struct{ *cachedEnv }

func (s createWaits) Create(ctx context.Context, key string, obj, out runtime.Object, ttl uint64) error {
	if err := s.cachedEnv.Create(ctx, key, obj, out, ttl); err != nil {
		return err
	}
	for {
		cached := newPod()
		err := s.Get(ctx, key, storage.GetOptions{ResourceVersion: "0"}, cached)
		if err == nil && apiequality.Semantic.DeepEqual(cached, out) {
			return nil
		}
		if err != nil && !storage.IsNotFound(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

func ignoreStored(context.Context, *testing.T, string) {}
func ignoreCalls(*testing.T, uint64, uint64)           {}

// cachedTests run one upstream function each, in parallel.
var cachedTests = map[string]func(ctx context.Context, t *testing.T, e *cachedEnv){
	"Create": func(ctx context.Context, t *testing.T, e *cachedEnv) {
		storagetesting.RunTestCreate(ctx, t, e, ignoreStored)
	},
	"CreateWithTTL": func(ctx context.Context, t *testing.T, e *cachedEnv) { storagetesting.RunTestCreateWithTTL(ctx, t, e) },
	"CreateWithKeyExist": func(ctx context.Context, t *testing.T, e *cachedEnv) {
		storagetesting.RunTestCreateWithKeyExist(ctx, t, e)
	},
	"UnconditionalDelete": func(ctx context.Context, t *testing.T, e *cachedEnv) {
		storagetesting.RunTestUnconditionalDelete(ctx, t, e)
	},
	"ConditionalDelete": func(ctx context.Context, t *testing.T, e *cachedEnv) {
		storagetesting.RunTestConditionalDelete(ctx, t, e)
	},
	"DeleteWithSuggestion": func(ctx context.Context, t *testing.T, e *cachedEnv) {
		storagetesting.RunTestDeleteWithSuggestion(ctx, t, e)
	},
	"DeleteWithSuggestionAndConflict": func(ctx context.Context, t *testing.T, e *cachedEnv) {
		storagetesting.RunTestDeleteWithSuggestionAndConflict(ctx, t, e)
	},
	"DeleteWithSuggestionOfDeletedObject": func(ctx context.Context, t *testing.T, e *cachedEnv) {
		storagetesting.RunTestDeleteWithSuggestionOfDeletedObject(ctx, t, e)
	},
	"DeleteWithConflict": func(ctx context.Context, t *testing.T, e *cachedEnv) {
		storagetesting.RunTestDeleteWithConflict(ctx, t, e)
	},
	"ValidateDeletionWithSuggestion": func(ctx context.Context, t *testing.T, e *cachedEnv) {
		storagetesting.RunTestValidateDeletionWithSuggestion(ctx, t, e)
	},
	"ValidateDeletionWithOnlySuggestionValid": func(ctx context.Context, t *testing.T, e *cachedEnv) {
		storagetesting.RunTestValidateDeletionWithOnlySuggestionValid(ctx, t, e)
	},
	"PreconditionalDeleteWithSuggestion": func(ctx context.Context, t *testing.T, e *cachedEnv) {
		storagetesting.RunTestPreconditionalDeleteWithSuggestion(ctx, t, e)
	},
	"PreconditionalDeleteWithOnlySuggestionPass": func(ctx context.Context, t *testing.T, e *cachedEnv) {
		storagetesting.RunTestPreconditionalDeleteWithOnlySuggestionPass(ctx, t, e)
	},
	"GetListRecursivePrefix": func(ctx context.Context, t *testing.T, e *cachedEnv) {
		storagetesting.RunTestGetListRecursivePrefix(ctx, t, e)
	},
	"ListContinuation": func(ctx context.Context, t *testing.T, e *cachedEnv) {
		storagetesting.RunTestListContinuation(ctx, t, e, ignoreCalls)
	},
	"ListPaginationRareObject": func(ctx context.Context, t *testing.T, e *cachedEnv) {
		storagetesting.RunTestListPaginationRareObject(ctx, t, e, ignoreCalls)
	},
	"ListContinuationWithFilter": func(ctx context.Context, t *testing.T, e *cachedEnv) {
		storagetesting.RunTestListContinuationWithFilter(ctx, t, e, ignoreCalls)
	},
	"GuaranteedUpdateWithTTL": func(ctx context.Context, t *testing.T, e *cachedEnv) {
		storagetesting.RunTestGuaranteedUpdateWithTTL(ctx, t, e)
	},
	"GuaranteedUpdateWithConflict": func(ctx context.Context, t *testing.T, e *cachedEnv) {
		storagetesting.RunTestGuaranteedUpdateWithConflict(ctx, t, e)
	},
	"GuaranteedUpdateWithSuggestionAndConflict": func(ctx context.Context, t *testing.T, e *cachedEnv) {
		storagetesting.RunTestGuaranteedUpdateWithSuggestionAndConflict(ctx, t, e)
	},
	"ListPaging": func(ctx context.Context, t *testing.T, e *cachedEnv) { storagetesting.RunTestListPaging(ctx, t, e) },
	"KeySchema":  func(ctx context.Context, t *testing.T, e *cachedEnv) { storagetesting.RunTestKeySchema(ctx, t, e) },

	"Watch": func(ctx context.Context, t *testing.T, e *cachedEnv) { storagetesting.RunTestWatch(ctx, t, e) },
	"DeleteTriggerWatch": func(ctx context.Context, t *testing.T, e *cachedEnv) {
		storagetesting.RunTestDeleteTriggerWatch(ctx, t, e)
	},
	"WatchFromNonZero": func(ctx context.Context, t *testing.T, e *cachedEnv) {
		storagetesting.RunTestWatchFromNonZero(ctx, t, e)
	},
	"DelayedWatchDelivery": func(ctx context.Context, t *testing.T, e *cachedEnv) {
		storagetesting.RunTestDelayedWatchDelivery(ctx, t, e)
	},
	"WatcherTimeout": func(ctx context.Context, t *testing.T, e *cachedEnv) { storagetesting.RunTestWatcherTimeout(ctx, t, e) },
	"WatchDeleteEventObjectHaveLatestRV": func(ctx context.Context, t *testing.T, e *cachedEnv) {
		storagetesting.RunTestWatchDeleteEventObjectHaveLatestRV(ctx, t, e)
	},
	"WatchInitializationSignal": func(ctx context.Context, t *testing.T, e *cachedEnv) {
		storagetesting.RunTestWatchInitializationSignal(ctx, t, e)
	},
	"WatchBookmarksWithCorrectResourceVersion": func(ctx context.Context, t *testing.T, e *cachedEnv) {
		storagetesting.RunTestOptionalWatchBookmarksWithCorrectResourceVersion(ctx, t, createEnds{e})
	},
	"SendInitialEventsBackwardCompatibility": func(ctx context.Context, t *testing.T, e *cachedEnv) {
		storagetesting.RunSendInitialEventsBackwardCompatibility(ctx, t, e)
	},
}

func TestCached(t *testing.T) {
	t.Parallel()
	for name, run := range cachedTests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t.Context(), t, setupCached(t, setup(t)))
		})
	}
	t.Run("WatchFromZero", func(t *testing.T) {
		t.Parallel()
		raw := &expiring{env: setup(t), expire: make(chan struct{})}
		e := setupCached(t, raw.env, func(cfg *cacher.Config) { cfg.Storage = raw })
		storagetesting.RunTestWatchFromZero(t.Context(), t, e, func(ctx context.Context, t *testing.T, resourceVersion string) {
			t.Helper()
			raw.compact(ctx, t, resourceVersion)
			raw.expire <- struct{}{}
			require.Eventually(t, func() bool { return raw.watches.Load() > 1 }, 10*time.Second, time.Millisecond)
			require.Eventually(t, e.cache.Ready, 10*time.Second, time.Millisecond)
		})
	})
	t.Run("NamespaceScopedList", func(t *testing.T) {
		t.Parallel()
		storagetesting.RunTestNamespaceScopedList(t.Context(), t, setupCached(t, setup(t), withIndexes))
	})
	t.Run("ClusterScopedWatch", func(t *testing.T) {
		t.Parallel()
		storagetesting.RunTestClusterScopedWatch(t.Context(), t, setupCached(t, setup(t), withClusterScopedKeys, withIndexes))
	})
	t.Run("NamespaceScopedWatch", func(t *testing.T) {
		t.Parallel()
		storagetesting.RunTestNamespaceScopedWatch(t.Context(), t, setupCached(t, setup(t), withIndexes))
	})
}

// TestCachedAlone runs what cannot share the process with others, mostly because it sets
// feature gates, which are global: one after the other, before the parallel tests.
//
//nolint:paralleltest // it sets what is global
func TestCachedAlone(t *testing.T) {
	for _, snapshots := range []bool{true, false} {
		suffix := map[bool]string{true: "WithSnapshots", false: "WithoutSnapshots"}[snapshots]
		t.Run("List"+suffix, func(t *testing.T) {
			listFromSnapshots(t, snapshots)
			e := setupCached(t, setup(t))
			storagetesting.RunTestList(t.Context(), t, e, e.compact, true, e.raw.pages.lists)
		})
		t.Run("ConsistentList"+suffix, func(t *testing.T) {
			listFromSnapshots(t, snapshots)
			// It tells what the cache has seen from what it asked for: nothing else may move it.
			e := setupCached(t, setupWithProgress(t, time.Hour))
			storagetesting.RunTestConsistentList(t.Context(), t, e, e.raw.increaseRV, true, true, snapshots)
		})
		t.Run("GetListNonRecursive"+suffix, func(t *testing.T) {
			listFromSnapshots(t, snapshots)
			e := setupCached(t, setup(t))
			storagetesting.RunTestGetListNonRecursive(t.Context(), t, e.raw.increaseRV, e)
		})
	}
	t.Run("Get", func(t *testing.T) { // its parallel parts must not wait for others: it has a time to live
		storagetesting.RunTestGet(t.Context(), t, setupCached(t, setup(t)))
	})
	t.Run("WatchDispatchBookmarkEvents", func(t *testing.T) { // it has three seconds for all that it does
		storagetesting.RunTestWatchDispatchBookmarkEvents(t.Context(), t, setupCached(t, setup(t)), true)
	})
	t.Run("WatchSemantics", func(t *testing.T) {
		storagetesting.RunWatchSemantics(t.Context(), t, createWaits{setupCached(t, setup(t))})
	})
	t.Run("WatchSemanticInitialEventsExtended", func(t *testing.T) {
		storagetesting.RunWatchSemanticInitialEventsExtended(t.Context(), t, createWaits{setupCached(t, setup(t))})
	})
	t.Run("WatchListMatchSingle", func(t *testing.T) {
		storagetesting.RunWatchListMatchSingle(t.Context(), t, createWaits{setupCached(t, setup(t))})
	})
	t.Run("CompactRevision", func(t *testing.T) {
		listFromSnapshots(t, true)
		fake := testingclock.NewFakeClock(time.Now())
		e := setupCached(t, setup(t), func(cfg *cacher.Config) { cfg.Clock = fake })
		storagetesting.RunTestCompactRevision(t.Context(), t, e, e.raw.increaseRV, e.compactByClock(fake))
	})
	for _, sizes := range []bool{true, false} {
		t.Run(map[bool]string{true: "StatsWithSizes", false: "Stats"}[sizes], func(t *testing.T) {
			featuregatetesting.SetFeatureGateDuringTest(t, utilfeature.DefaultFeatureGate, features.SizeBasedListCostEstimate, sizes)
			e := setupCached(t, setup(t))
			storagetesting.RunTestStats(t.Context(), t, e, e.raw.codec, e.raw.prefix, sizes)
		})
	}
	t.Run("DeleteWithConflictAndMissingExpectedTransformOrDecodeError", func(t *testing.T) {
		allowUnsafeDeletion(t, true)
		transformer := &failingTransformer{Transformer: identity.NewEncryptCheckTransformer()}
		e := setupCached(t, setup(t, withTransformer(transformer)))
		storagetesting.RunTestDeleteWithConflictAndMissingExpectedTransformOrDecodeError(t.Context(), t, e, transformer.fail.Store)
	})
	t.Run("DeleteExpectedTransformError", func(t *testing.T) {
		allowUnsafeDeletion(t, true)
		transformer := &failingTransformer{Transformer: identity.NewEncryptCheckTransformer()}
		e := setupCached(t, setup(t, withTransformer(transformer)))
		storagetesting.RunTestDeleteExpectedTransformOrDecodeError(t.Context(), t, e, transformer.fail.Store)
	})
	t.Run("DeleteExpectedDecodeError", func(t *testing.T) {
		allowUnsafeDeletion(t, true)
		codec := &failingCodec{Codec: podCodec}
		e := setupCached(t, setup(t, withCodec(codec)))
		storagetesting.RunTestDeleteExpectedTransformOrDecodeError(t.Context(), t, e, codec.fail.Store)
	})
	t.Run("DeleteWithSuggestionAndMissingExpectedTransformOrDecodeError", func(t *testing.T) {
		allowUnsafeDeletion(t, true)
		storagetesting.RunTestDeleteWithSuggestionAndMissingExpectedTransformOrDecodeError(t.Context(), t, setupCached(t, setup(t)))
	})
}

func listFromSnapshots(t *testing.T, on bool) {
	t.Helper()
	featuregatetesting.SetFeatureGateDuringTest(t, utilfeature.DefaultFeatureGate, features.ListFromCacheSnapshot, on)
}
