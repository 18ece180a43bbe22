// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
)

const resource = "issues"

// peer is a server as the account reaches it: the same client for all of them, JSON over
// HTTP/2 without a limit of its own.
type peer struct {
	name    string
	client  rest.Interface
	watcher rest.Interface
	// namespace is written and read, paged is listed.
	namespace, paged string
	// count is how many issues the namespace has got, numbered from 0.
	count   *atomic.Int64
	refused *atomic.Int64
}

func newPeer(b *testing.B, name string, cfg *rest.Config, gv schema.GroupVersion, namespace, paged string) *peer {
	b.Helper()
	p := &peer{name: name, namespace: namespace, paged: paged, count: new(atomic.Int64), refused: new(atomic.Int64)}
	cfg = rest.CopyConfig(cfg)
	cfg.QPS = -1
	cfg.APIPath, cfg.GroupVersion = "/apis", &gv
	cfg.NegotiatedSerializer = codecsFor(gv).WithoutConversion()
	watching := rest.CopyConfig(cfg)
	watching.Dial = (&net.Dialer{}).DialContext // connections are shared by those who dial alike
	cfg.Wrap(countRefusals(p.refused))
	var err error
	p.client, err = rest.RESTClientFor(cfg)
	require.NoError(b, err)
	p.watcher, err = rest.RESTClientFor(watching)
	require.NoError(b, err)
	return p
}

// codecsFor know Issue under the group in which a server has it.
func codecsFor(gv schema.GroupVersion) serializer.CodecFactory {
	scheme := runtime.NewScheme()
	scheme.AddKnownTypes(gv, &v1alpha1.Issue{}, &v1alpha1.IssueList{})
	metav1.AddToGroupVersion(scheme, gv)
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	return serializer.NewCodecFactory(scheme)
}

// in is the same server in another namespace.
func (p *peer) in(namespace string) *peer {
	other := *p
	other.namespace, other.count = namespace, new(atomic.Int64)
	return &other
}

// reserve returns the first of n numbers that nobody else gets.
func (p *peer) reserve(n int) int { return int(p.count.Add(int64(n))) - n }

func (p *peer) next() int { return p.reserve(1) }

// fill creates n issues and returns the first one's number.
func (p *peer) fill(b *testing.B, n int) int {
	b.Helper()
	first := p.reserve(n)
	drive(b, manyClients, n, func(ctx context.Context, i int) error { return p.create(ctx, first+i) })
	p.refused.Store(0)
	return first
}

func (p *peer) create(ctx context.Context, i int) error {
	return p.client.Post().Namespace(p.namespace).Resource(resource).Body(newRequest(i)).Do(ctx).Into(&v1alpha1.Issue{})
}

func (p *peer) get(ctx context.Context, i int, out *v1alpha1.Issue) error {
	return p.client.Get().Namespace(p.namespace).Resource(resource).Name(nameOf(i)).Do(ctx).Into(out)
}

var statusPatch = []byte(`{"status":{"conditions":[{"type":"` + v1alpha1.ConditionRemediationActive + `","status":"True",` +
	`"reason":"Running","message":"step 3 of 5","lastTransitionTime":"2026-11-01T00:00:00Z"}]}}`)

func (p *peer) patchStatus(ctx context.Context, i int) error {
	return p.client.Patch(types.MergePatchType).Namespace(p.namespace).Resource(resource).Name(nameOf(i)).SubResource("status").
		Body(statusPatch).Do(ctx).Into(&v1alpha1.Issue{})
}

func (p *peer) list(ctx context.Context, limit int) ([]byte, error) {
	return p.client.Get().Namespace(p.namespace).Resource(resource).Param("limit", strconv.Itoa(limit)).DoRaw(ctx)
}

func nameOf(i int) string { return fmt.Sprintf("build-component-%08d", i) }

// newRequest is what a client sends: a problem of its own for each number, in 1.5 KB.
func newRequest(i int) *v1alpha1.Issue {
	name := nameOf(i)
	return &v1alpha1.Issue{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.IssueSpec{
			Title:       "Build of component " + name + " failed: task compile, step compile exited with code 3",
			Description: strings.Repeat("the compiler said something. ", 33),
			Type:        v1alpha1.TypeBuild, Severity: v1alpha1.SeverityMajor, Application: "shop", Component: name,
			Scope: v1alpha1.IssueScope{APIGroup: "appstudio.redhat.com", Kind: "Component", Name: name},
			Stage: v1alpha1.StagePush,
		},
	}
}
