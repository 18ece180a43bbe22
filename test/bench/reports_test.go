// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/generated/clientset/versioned"
	"kite.dev/kite/pkg/storage/postgres"
	"kite.dev/kite/test/pgtest"
)

const (
	namespace = "team-gamma"
	reports   = 500
)

// BenchmarkReports sends 500 reports of one problem at once to two kite-apiserver
// processes, over HTTPS, as a ServiceAccount. They must become one Issue that counts
// them all.
func BenchmarkReports(b *testing.B) {
	pg := pgtest.Config(b)
	host := startHost(b)
	servers := []*rest.Config{startServer(b, pg, host), startServer(b, pg, host)}
	clients := make([]versioned.Interface, len(servers))
	var refused atomic.Int64
	for i, cfg := range servers {
		cfg.Wrap(countRefusals(&refused))
		clients[i] = versioned.NewForConfigOrDie(cfg)
		warm(b, clients[i])
	}
	problem := 0
	b.Run(fmt.Sprintf("Reports=%d/Processes=%d", reports, len(servers)), func(b *testing.B) {
		writes := 0
		refused.Store(0)
		for range b.N {
			problem++
			name := "component-" + strconv.Itoa(problem)
			b.StopTimer()
			before := newestRevision(b, clients[0])
			b.StartTimer()
			sendReports(b, clients, name)
			b.StopTimer()
			writes += newestRevision(b, clients[0]) - before
			requireOneIssue(b, clients[1], name)
			b.StartTimer()
		}
		b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/500-reports")
		b.ReportMetric(float64(writes)/float64(b.N), "writes/500-reports")
		b.ReportMetric(float64(refused.Load())/float64(b.N), "status-429/500-reports")
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// countRefusals counts what a server put off; the client waits as long as it is told, and
// tries again.
func countRefusals(n *atomic.Int64) transport.WrapperFunc {
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			response, err := next.RoundTrip(r)
			if err == nil && response.StatusCode == http.StatusTooManyRequests {
				n.Add(1)
			}
			return response, err
		})
	}
}

// warm makes the server ask its host about the caller once, as it has in a real cluster.
func warm(b *testing.B, client versioned.Interface) {
	b.Helper()
	_, err := client.IssuesV1alpha1().IssueReports(namespace).Create(b.Context(), newReport("warm-up", 0), metav1.CreateOptions{})
	require.NoError(b, err)
}

func sendReports(b *testing.B, clients []versioned.Interface, name string) {
	b.Helper()
	errs := make([]error, reports)
	var group sync.WaitGroup
	for i := range reports {
		group.Go(func() {
			client := clients[i%len(clients)].IssuesV1alpha1().IssueReports(namespace)
			_, errs[i] = client.Create(b.Context(), newReport(name, i), metav1.CreateOptions{})
		})
	}
	group.Wait()
	require.NoError(b, errors.Join(errs...))
}

// observed is when the first run failed.
var observed = time.Now().Add(-time.Hour).Truncate(time.Second)

func newReport(component string, i int) *v1alpha1.IssueReport {
	run := fmt.Sprint("run-", i)
	return &v1alpha1.IssueReport{Spec: v1alpha1.IssueReportSpec{
		Outcome:    v1alpha1.OutcomeFailed,
		ObservedAt: &metav1.MicroTime{Time: observed.Add(time.Duration(i) * time.Second)},
		Run: &v1alpha1.IssueRun{
			Kind: "PipelineRun", Name: run, UID: types.UID(run), Outcome: v1alpha1.OutcomeFailed,
		},
		Issue: v1alpha1.ReportedIssue{
			Title: "Build of " + component + " fails", Type: v1alpha1.TypeBuild, Severity: v1alpha1.SeverityMajor,
			Scope: v1alpha1.IssueScope{Kind: "Component", Name: component}, Stage: v1alpha1.StagePush,
		},
	}}
}

func newestRevision(b *testing.B, client versioned.Interface) int {
	b.Helper()
	list, err := client.IssuesV1alpha1().Issues(namespace).List(b.Context(), metav1.ListOptions{Limit: 1})
	require.NoError(b, err)
	rv, err := strconv.Atoi(list.ResourceVersion)
	require.NoError(b, err)
	return rv
}

func requireOneIssue(b *testing.B, client versioned.Interface, component string) {
	b.Helper()
	list, err := client.IssuesV1alpha1().Issues(namespace).List(b.Context(), metav1.ListOptions{})
	require.NoError(b, err)
	found := 0
	for _, issue := range list.Items {
		if issue.Spec.Scope.Name == component {
			found++
			require.Equal(b, int32(reports), issue.Status.Occurrences)
		}
	}
	require.Equal(b, 1, found)
}

// startServer runs kite-apiserver as a process until the benchmark ends.
func startServer(b *testing.B, pg postgres.Config, kubeconfig string) *rest.Config {
	b.Helper()
	cfg, _ := startBesideStub(b, kite(pg), kubeconfig)
	return cfg
}

// startBesideStub runs a server on a host cluster that startHost made.
func startBesideStub(b *testing.B, server command, kubeconfig string) (*rest.Config, process) {
	b.Helper()
	server.args = append(server.args, "--cert-dir="+b.TempDir(), "--kubeconfig="+kubeconfig, "--authentication-skip-lookup",
		"--disable-admission-plugins=NamespaceLifecycle,MutatingAdmissionWebhook,ValidatingAdmissionWebhook,ResourceQuota")
	started := startServing(b, server)
	cfg := &rest.Config{
		Host: "https://" + started.address, BearerToken: "robot", QPS: -1,
		TLSClientConfig: rest.TLSClientConfig{Insecure: true}, // the certificate is made at start
	}
	waitReady(b, cfg)
	return cfg, started
}
