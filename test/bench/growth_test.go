// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"testing"

	"k8s.io/client-go/rest"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

const (
	// envControllerManager is where kube-controller-manager serves its metrics to an
	// administrator.
	envControllerManager = "KITE_BENCH_CONTROLLER_MANAGER"
	// localControllerManager is that of hack/cluster.
	localControllerManager = "https://127.0.0.1:16443"
	// teamIssues are created in each namespace, which may have 10,000 Active ones.
	teamIssues = 5000
	// graphChanges is the queue by which its garbage collector learns of objects.
	graphChanges = `{name="garbage_collector_graph_changes"}`
)

// BenchmarkControllerManager measures what issues cost kube-controller-manager, whose
// garbage collector and quotas keep the metadata of every object of the cluster.
func BenchmarkControllerManager(b *testing.B) {
	h := newHost(b)
	manager := h.controllerManager(b)
	empty := measureHeap(b, manager)
	b.Run("Issues=0", func(b *testing.B) { empty.report(b) })
	made := 0
	for _, issues := range []int{20_000, 50_000} {
		b.Run(fmt.Sprint("Issues=", issues), func(b *testing.B) {
			known := scrape(b, manager).value(b, "workqueue_adds_total"+graphChanges)
			more := issues - made
			for ; made < issues; made += teamIssues {
				h.fillTeam(b)
			}
			waitLearnt(b, manager, known+float64(more))
			full := measureHeap(b, manager)
			full.report(b)
			b.ReportMetric((full.live-empty.live)/float64(issues), "live-B/issue")
			b.ReportMetric((full.resident-empty.resident)/float64(issues), "resident-B/issue")
		})
	}
}

func (h *host) controllerManager(b *testing.B) rest.Interface {
	b.Helper()
	cfg := rest.CopyConfig(h.admin)
	cfg.Host = cmp.Or(os.Getenv(envControllerManager), localControllerManager)
	cfg.CAFile, cfg.CAData, cfg.Insecure = "", nil, true // it is made for loopback, and names nobody
	return rawClient(b, cfg)
}

func (h *host) fillTeam(b *testing.B) {
	b.Helper()
	team := h.newTeam(b)
	newPeer(b, "aggregator", h.account, v1alpha1.SchemeGroupVersion, team, team).fill(b, teamIssues)
}

// waitLearnt waits until the garbage collector has taken in so many changes.
func waitLearnt(b *testing.B, manager rest.Interface, changes float64) {
	b.Helper()
	eventually(b, "the garbage collector knows all issues", func(context.Context) error {
		metrics := scrape(b, manager)
		added := metrics.value(b, "workqueue_adds_total"+graphChanges)
		if waiting := metrics.value(b, "workqueue_depth"+graphChanges); added < changes || waiting > 0 {
			return fmt.Errorf("%.0f changes of %.0f have come, %.0f wait", added, changes, waiting)
		}
		return nil
	})
}
