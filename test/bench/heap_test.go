// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// rawClient reads what it is told to as bytes: issues, or a component's metrics and
// profiles.
func rawClient(b *testing.B, cfg *rest.Config) rest.Interface {
	b.Helper()
	return newPeer(b, "component", cfg, v1alpha1.SchemeGroupVersion, namespace, namespace).client
}

// metrics are what a component serves, as text.
type metrics string

func scrape(b *testing.B, component rest.Interface) metrics {
	b.Helper()
	content, err := component.Get().RequestURI("/metrics").DoRaw(b.Context())
	require.NoError(b, err)
	return metrics(content)
}

// value is that of one series, named as in the text.
func (m metrics) value(b *testing.B, series string) float64 {
	b.Helper()
	_, after, found := strings.Cut(string(m), "\n"+series+" ")
	require.True(b, found, series)
	text, _, _ := strings.Cut(after, "\n")
	value, err := strconv.ParseFloat(text, 64)
	require.NoError(b, err)
	return value
}

// heap is what a Go program holds of memory, in bytes, and what of it lives.
type heap struct{ resident, live float64 }

// measureHeap has the component collect its garbage: what lives is counted after that,
// what it holds before.
func measureHeap(b *testing.B, component rest.Interface) heap {
	b.Helper()
	resident := scrape(b, component).value(b, "process_resident_memory_bytes")
	_, err := component.Get().RequestURI("/debug/pprof/heap?gc=1").DoRaw(b.Context())
	require.NoError(b, err)
	return heap{resident: resident, live: scrape(b, component).value(b, "go_memstats_heap_alloc_bytes")}
}

func (h heap) report(b *testing.B) {
	b.Helper()
	b.ReportMetric(h.resident/1e6, "resident-MB")
	b.ReportMetric(h.live/1e6, "live-heap-MB")
}
