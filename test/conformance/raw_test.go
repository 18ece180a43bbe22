// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/features"
	"k8s.io/apiserver/pkg/storage"
	storagetesting "k8s.io/apiserver/pkg/storage/testing"
	"k8s.io/apiserver/pkg/storage/value"
	"k8s.io/apiserver/pkg/storage/value/encrypt/identity"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	featuregatetesting "k8s.io/component-base/featuregate/testing"

	"kite.dev/kite/pkg/storage/postgres"
)

// rawTests run one upstream function each, in parallel.
var rawTests = map[string]func(ctx context.Context, t *testing.T, e *env){
	"Create": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunTestCreate(ctx, t, e, e.checkStored)
	},
	"CreateWithTTL":        func(ctx context.Context, t *testing.T, e *env) { storagetesting.RunTestCreateWithTTL(ctx, t, e) },
	"CreateWithKeyExist":   func(ctx context.Context, t *testing.T, e *env) { storagetesting.RunTestCreateWithKeyExist(ctx, t, e) },
	"UnconditionalDelete":  func(ctx context.Context, t *testing.T, e *env) { storagetesting.RunTestUnconditionalDelete(ctx, t, e) },
	"ConditionalDelete":    func(ctx context.Context, t *testing.T, e *env) { storagetesting.RunTestConditionalDelete(ctx, t, e) },
	"DeleteWithSuggestion": func(ctx context.Context, t *testing.T, e *env) { storagetesting.RunTestDeleteWithSuggestion(ctx, t, e) },
	"DeleteWithConflict":   func(ctx context.Context, t *testing.T, e *env) { storagetesting.RunTestDeleteWithConflict(ctx, t, e) },
	"DeleteWithSuggestionAndConflict": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunTestDeleteWithSuggestionAndConflict(ctx, t, e)
	},
	"DeleteWithSuggestionOfDeletedObject": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunTestDeleteWithSuggestionOfDeletedObject(ctx, t, e)
	},
	"ValidateDeletionWithSuggestion": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunTestValidateDeletionWithSuggestion(ctx, t, e)
	},
	"ValidateDeletionWithOnlySuggestionValid": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunTestValidateDeletionWithOnlySuggestionValid(ctx, t, e)
	},
	"PreconditionalDeleteWithSuggestion": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunTestPreconditionalDeleteWithSuggestion(ctx, t, e)
	},
	"PreconditionalDeleteWithOnlySuggestionPass": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunTestPreconditionalDeleteWithOnlySuggestionPass(ctx, t, e)
	},
	"List": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunTestList(ctx, t, e, e.compact, false, e.pages.lists)
	},
	"ConsistentList": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunTestConsistentList(ctx, t, e, e.increaseRV, false, true, false)
	},
	"GetListNonRecursive": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunTestGetListNonRecursive(ctx, t, e.increaseRV, e)
	},
	"GetListRecursivePrefix": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunTestGetListRecursivePrefix(ctx, t, e)
	},
	"ListContinuation": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunTestListContinuation(ctx, t, e, e.checkCalls)
	},
	"ListPaginationRareObject": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunTestListPaginationRareObject(ctx, t, e, e.checkCalls)
	},
	"ListContinuationWithFilter": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunTestListContinuationWithFilter(ctx, t, e, e.checkCalls)
	},
	"ListInconsistentContinuation": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunTestListInconsistentContinuation(ctx, t, e, e.compact)
	},
	"ListResourceVersionMatch": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunTestListResourceVersionMatch(ctx, t, e)
	},
	"GuaranteedUpdate": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunTestGuaranteedUpdate(ctx, t, e, e.checkStored)
	},
	"GuaranteedUpdateWithTTL": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunTestGuaranteedUpdateWithTTL(ctx, t, e)
	},
	"GuaranteedUpdateChecksStoredData": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunTestGuaranteedUpdateChecksStoredData(ctx, t, e)
	},
	"GuaranteedUpdateWithConflict": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunTestGuaranteedUpdateWithConflict(ctx, t, e)
	},
	"GuaranteedUpdateWithSuggestionAndConflict": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunTestGuaranteedUpdateWithSuggestionAndConflict(ctx, t, e)
	},
	"TransformationFailure": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunTestTransformationFailure(ctx, t, e)
	},
	"Stats": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunTestStats(ctx, t, e, e.codec, e.prefix, false)
	},
	"StatsWithSizes": func(ctx context.Context, t *testing.T, e *env) {
		if err := e.EnableResourceSizeEstimation(func(context.Context) ([]string, error) { return nil, nil }); err != nil {
			t.Fatal(err)
		}
		storagetesting.RunTestStats(ctx, t, e, e.codec, e.prefix, true)
	},
	"ListPaging":          func(ctx context.Context, t *testing.T, e *env) { storagetesting.RunTestListPaging(ctx, t, e) },
	"NamespaceScopedList": func(ctx context.Context, t *testing.T, e *env) { storagetesting.RunTestNamespaceScopedList(ctx, t, e) },
	"CompactRevision": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunTestCompactRevision(ctx, t, e, e.increaseRV, e.compact)
	},
	"KeySchema": func(ctx context.Context, t *testing.T, e *env) { storagetesting.RunTestKeySchema(ctx, t, e) },

	"Watch": func(ctx context.Context, t *testing.T, e *env) { storagetesting.RunTestWatch(ctx, t, e) },
	"WatchFromZero": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunTestWatchFromZero(ctx, t, e, e.compact)
	},
	"DeleteTriggerWatch":   func(ctx context.Context, t *testing.T, e *env) { storagetesting.RunTestDeleteTriggerWatch(ctx, t, e) },
	"WatchFromNonZero":     func(ctx context.Context, t *testing.T, e *env) { storagetesting.RunTestWatchFromNonZero(ctx, t, e) },
	"DelayedWatchDelivery": func(ctx context.Context, t *testing.T, e *env) { storagetesting.RunTestDelayedWatchDelivery(ctx, t, e) },
	"WatchError":           func(ctx context.Context, t *testing.T, e *env) { storagetesting.RunTestWatchError(ctx, t, e) },
	"WatchContextCancel":   func(ctx context.Context, t *testing.T, e *env) { storagetesting.RunTestWatchContextCancel(ctx, t, e) },
	"WatcherTimeout":       func(ctx context.Context, t *testing.T, e *env) { storagetesting.RunTestWatcherTimeout(ctx, t, e) },
	"WatchDeleteEventObjectHaveLatestRV": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunTestWatchDeleteEventObjectHaveLatestRV(ctx, t, e)
	},
	"WatchInitializationSignal": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunTestWatchInitializationSignal(ctx, t, e)
	},
	"ProgressNotify": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunOptionalTestProgressNotify(ctx, t, e, e.increaseRV)
	},
	"ClusterScopedWatch":   func(ctx context.Context, t *testing.T, e *env) { storagetesting.RunTestClusterScopedWatch(ctx, t, e) },
	"NamespaceScopedWatch": func(ctx context.Context, t *testing.T, e *env) { storagetesting.RunTestNamespaceScopedWatch(ctx, t, e) },
	"WatchDispatchBookmarkEvents": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunTestWatchDispatchBookmarkEvents(ctx, t, e, false)
	},
	"SendInitialEventsBackwardCompatibility": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunSendInitialEventsBackwardCompatibility(ctx, t, e)
	},
	"WatchErrorIsBlockingFurtherEvents": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunWatchErrorIsBlockingFurtherEvents(ctx, t, e)
	},
}

// directTests are for what tells a resource without a watch cache from one below it: its
// clients' bookmarks, and one reading of an object's attributes for all watches.
var directTests = map[string]func(ctx context.Context, t *testing.T, e *env){
	"Watch":                func(ctx context.Context, t *testing.T, e *env) { storagetesting.RunTestWatch(ctx, t, e) },
	"DeleteTriggerWatch":   func(ctx context.Context, t *testing.T, e *env) { storagetesting.RunTestDeleteTriggerWatch(ctx, t, e) },
	"ClusterScopedWatch":   func(ctx context.Context, t *testing.T, e *env) { storagetesting.RunTestClusterScopedWatch(ctx, t, e) },
	"NamespaceScopedWatch": func(ctx context.Context, t *testing.T, e *env) { storagetesting.RunTestNamespaceScopedWatch(ctx, t, e) },
	"WatchBookmarksWithCorrectResourceVersion": func(ctx context.Context, t *testing.T, e *env) {
		storagetesting.RunTestOptionalWatchBookmarksWithCorrectResourceVersion(ctx, t, createEnds{e})
	},
}

// createEnds takes no Create for failed that the end of its caller's time has cut off: upstream
// creates until then, and looks at errors or at the watch as it happens.
type createEnds struct{ storage.Interface }

func (s createEnds) Create(ctx context.Context, key string, obj, out runtime.Object, ttl uint64) error {
	err := s.Interface.Create(ctx, key, obj, out, ttl)
	if ctx.Err() != nil {
		return nil //nolint:nilerr // as said above
	}
	return err
}

func TestRaw(t *testing.T) {
	t.Parallel()
	for name, run := range rawTests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t.Context(), t, setup(t))
		})
	}
	for name, run := range directTests {
		t.Run(name+"Direct", func(t *testing.T) {
			t.Parallel()
			run(t.Context(), t, setup(t, withoutCache))
		})
	}
}

// TestRawAlone runs what cannot share the process with others, mostly because it sets
// feature gates, which are global: one after the other, before the parallel tests.
//
//nolint:paralleltest // it sets what is global
func TestRawAlone(t *testing.T) {
	corrupt := &postgres.CorruptObjectError{Err: errors.New("bits flipped")}
	t.Run("Get", func(t *testing.T) { // its parallel parts must not wait for others: it has a time to live
		storagetesting.RunTestGet(t.Context(), t, setup(t))
	})
	t.Run("WatchSemantics", func(t *testing.T) {
		storagetesting.RunWatchSemantics(t.Context(), t, setup(t))
	})
	t.Run("WatchSemanticsDirect", func(t *testing.T) {
		storagetesting.RunWatchSemantics(t.Context(), t, setup(t, withoutCache))
	})
	t.Run("WatchDispatchBookmarkEventsDirect", func(t *testing.T) { // it has three seconds for all that it does
		storagetesting.RunTestWatchDispatchBookmarkEvents(t.Context(), t, setup(t, withoutCache), true)
	})
	t.Run("WatchSemanticInitialEventsExtended", func(t *testing.T) {
		storagetesting.RunWatchSemanticInitialEventsExtended(t.Context(), t, setup(t))
	})
	t.Run("WatchListMatchSingle", func(t *testing.T) {
		storagetesting.RunWatchListMatchSingle(t.Context(), t, setup(t))
	})
	t.Run("GetListWithErrorAggregation", func(t *testing.T) {
		allowUnsafeDeletion(t, true)
		storagetesting.RunTestGetListWithErrorAggregation(t.Context(), t, setup(t), corrupt)
	})
	t.Run("GetListWithoutErrorAggregation", func(t *testing.T) {
		allowUnsafeDeletion(t, false)
		storagetesting.RunTestGetListWithoutErrorAggregation(t.Context(), t, setup(t), corrupt)
	})
	t.Run("WatchWithUnsafeDelete", func(t *testing.T) {
		allowUnsafeDeletion(t, true)
		storagetesting.RunTestWatchWithUnsafeDelete(t.Context(), t, setup(t), corrupt)
	})
	t.Run("DeleteWithConflictAndMissingExpectedTransformOrDecodeError", func(t *testing.T) {
		allowUnsafeDeletion(t, true)
		codec := &failingCodec{Codec: podCodec}
		storagetesting.RunTestDeleteWithConflictAndMissingExpectedTransformOrDecodeError(t.Context(), t, setup(t, withCodec(codec)), codec.fail.Store)
	})
	t.Run("DeleteExpectedTransformError", func(t *testing.T) {
		allowUnsafeDeletion(t, true)
		transformer := &failingTransformer{Transformer: identity.NewEncryptCheckTransformer()}
		storagetesting.RunTestDeleteExpectedTransformOrDecodeError(t.Context(), t, setup(t, withTransformer(transformer)), transformer.fail.Store)
	})
	t.Run("DeleteExpectedDecodeError", func(t *testing.T) {
		allowUnsafeDeletion(t, true)
		codec := &failingCodec{Codec: podCodec}
		storagetesting.RunTestDeleteExpectedTransformOrDecodeError(t.Context(), t, setup(t, withCodec(codec)), codec.fail.Store)
	})
	t.Run("DeleteWithSuggestionAndMissingExpectedTransformOrDecodeError", func(t *testing.T) {
		allowUnsafeDeletion(t, true)
		storagetesting.RunTestDeleteWithSuggestionAndMissingExpectedTransformOrDecodeError(t.Context(), t, setup(t))
	})
}

func allowUnsafeDeletion(t *testing.T, allowed bool) {
	t.Helper()
	featuregatetesting.SetFeatureGateDuringTest(t, utilfeature.DefaultFeatureGate, features.AllowUnsafeMalformedObjectDeletion, allowed)
}

var errSynthetic = errors.New("synthetic error")

type failingCodec struct {
	runtime.Codec
	fail atomic.Bool
}

func (c *failingCodec) Decode(data []byte, defaults *schema.GroupVersionKind, into runtime.Object) (runtime.Object, *schema.GroupVersionKind, error) {
	if c.fail.Load() {
		return nil, nil, errSynthetic
	}
	return c.Codec.Decode(data, defaults, into)
}

type failingTransformer struct {
	value.Transformer
	fail atomic.Bool
}

func (f *failingTransformer) TransformFromStorage(ctx context.Context, data []byte, dataCtx value.Context) ([]byte, bool, error) {
	if f.fail.Load() {
		return nil, false, errSynthetic
	}
	return f.Transformer.TransformFromStorage(ctx, data, dataCtx)
}

var _ storage.Interface = (*env)(nil)
