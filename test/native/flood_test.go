// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const (
	// flooders is many times what the account is allowed at once.
	flooders = 64
	// calm is how often another account asks meanwhile.
	calm = 200
)

// TestPriorityAndFairness floods a replica from one account, which the cluster's
// configuration allows a few requests at once. It is told to come back (429), while
// another account is served as if nothing was.
//
//nolint:paralleltest // it takes the machine for itself
func TestPriorityAndFairness(t *testing.T) {
	m, neighbour := newTeam(t), newTeam(t)
	createSome(t, m, 5)
	create(t, neighbour, "frontend")
	limit(t, m)
	replica := replicas(t, m.host)[0]
	flood := startFlood(t, direct(t, m.host, &replica, m.developer.BearerToken), "/apis/issues.kite.dev/v1alpha1/namespaces/"+m.namespace+"/issues")
	eventually(t, "the flood is refused", func(context.Context) error { return flood.refused() })

	quiet := direct(t, m.host, &replica, neighbour.developer.BearerToken)
	path := "/apis/issues.kite.dev/v1alpha1/namespaces/" + neighbour.namespace + "/issues/frontend"
	read := percentiles(calm, func() {
		code, body := do(t, quiet, http.MethodGet, path, "", nil)
		require.Equal(t, http.StatusOK, code, "%s", body)
	})
	written := percentiles(calm, func() {
		code, body := do(t, quiet, http.MethodPatch, path, `{"metadata":{"annotations":{"at":"`+time.Now().String()+`"}}}`,
			http.Header{"Content-Type": {mergePatch}})
		require.Equal(t, http.StatusOK, code, "%s", body)
	})
	t.Logf("of %d answers %d were 429; the neighbour read in %v, wrote in %v (p50, p99)", flood.answers.Load(), flood.tooMany.Load(), read, written)
	require.Less(t, read[1], time.Second)
	require.Less(t, written[1], time.Second)
}

// percentiles are the median and the 99th percentile of how long n calls take.
func percentiles(n int, call func()) [2]time.Duration {
	took := make([]time.Duration, n)
	for i := range took {
		begin := time.Now()
		call()
		took[i] = time.Since(begin)
	}
	slices.Sort(took)
	return [2]time.Duration{took[n/2], took[n*99/100]}
}

// limit gives the team's developer a priority level of its own, with the smallest share.
func limit(t testing.TB, m *team) {
	t.Helper()
	client := kubernetes.NewForConfigOrDie(m.host.admin).FlowcontrolV1()
	name := "kite-test-" + m.namespace
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		_ = client.FlowSchemas().Delete(ctx, name, metav1.DeleteOptions{})
		_ = client.PriorityLevelConfigurations().Delete(ctx, name, metav1.DeleteOptions{})
	})
	_, err := client.PriorityLevelConfigurations().Create(t.Context(), &flowcontrolv1.PriorityLevelConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: flowcontrolv1.PriorityLevelConfigurationSpec{
			Type: flowcontrolv1.PriorityLevelEnablementLimited,
			Limited: &flowcontrolv1.LimitedPriorityLevelConfiguration{
				NominalConcurrencyShares: new(int32(1)), LendablePercent: new(int32(0)), BorrowingLimitPercent: new(int32(0)),
				LimitResponse: flowcontrolv1.LimitResponse{
					Type:    flowcontrolv1.LimitResponseTypeQueue,
					Queuing: &flowcontrolv1.QueuingConfiguration{Queues: 1, HandSize: 1, QueueLengthLimit: 10},
				},
			},
		},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	_, err = client.FlowSchemas().Create(t.Context(), &flowcontrolv1.FlowSchema{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: flowcontrolv1.FlowSchemaSpec{
			PriorityLevelConfiguration: flowcontrolv1.PriorityLevelConfigurationReference{Name: name},
			MatchingPrecedence:         500,
			Rules: []flowcontrolv1.PolicyRulesWithSubjects{{
				Subjects: []flowcontrolv1.Subject{{
					Kind:           flowcontrolv1.SubjectKindServiceAccount,
					ServiceAccount: &flowcontrolv1.ServiceAccountSubject{Namespace: m.namespace, Name: "developer"},
				}},
				ResourceRules: []flowcontrolv1.ResourcePolicyRule{{
					Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}, Namespaces: []string{"*"},
				}},
			}},
		},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
}

type flood struct {
	answers, tooMany atomic.Int64
	retryAfter       atomic.Bool
}

// startFlood sends requests from many goroutines until the test ends.
func startFlood(t testing.TB, cfg *rest.Config, path string) *flood {
	t.Helper()
	client, err := rest.HTTPClientFor(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	out := &flood{}
	var group sync.WaitGroup
	t.Cleanup(func() { cancel(); group.Wait() })
	for range flooders {
		group.Go(func() {
			for ctx.Err() == nil {
				out.ask(ctx, client, strings.TrimSuffix(cfg.Host, "/")+path)
			}
		})
	}
	return out
}

func (f *flood) ask(ctx context.Context, client *http.Client, url string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return
	}
	response, err := client.Do(request)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	f.answers.Add(1)
	if response.StatusCode == http.StatusTooManyRequests {
		f.tooMany.Add(1)
		f.retryAfter.Store(response.Header.Get("Retry-After") != "")
	}
}

// refused is nil when the flood is told to come back, and when.
func (f *flood) refused() error {
	if f.tooMany.Load() == 0 || !f.retryAfter.Load() {
		return fmt.Errorf("of %d answers %d are 429", f.answers.Load(), f.tooMany.Load())
	}
	return nil
}
