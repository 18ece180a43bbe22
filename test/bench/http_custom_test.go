// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	_ "embed"
	"errors"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"
)

const customGroup = "bench.kite.dev"

// customResource has the fields and limits of Issue, as far as a schema can say them.
//
//go:embed testdata/issues.yaml
var customResource []byte

// installCustomResource makes kube-apiserver serve it until the benchmark ends.
func (h *host) installCustomResource(b *testing.B) schema.GroupVersion {
	b.Helper()
	var definition unstructured.Unstructured
	require.NoError(b, yaml.UnmarshalStrict(customResource, &definition.Object))
	client, err := dynamic.NewForConfig(h.admin)
	require.NoError(b, err)
	definitions := client.Resource(schema.GroupVersionResource{
		Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions",
	})
	remove := func() {
		eventually(b, "the custom resource gone", func(ctx context.Context) error {
			err := definitions.Delete(ctx, definition.GetName(), metav1.DeleteOptions{})
			if apierrors.IsNotFound(err) {
				return nil
			}
			return errors.Join(errors.New("it is still there"), err)
		})
	}
	remove() // of a run that was killed
	b.Cleanup(remove)
	_, err = definitions.Create(b.Context(), &definition, metav1.CreateOptions{})
	require.NoError(b, err)
	h.waitCollected(b)
	return schema.GroupVersion{Group: customGroup, Version: "v1"}
}

// collected is the watch of the garbage collector.
var collected = regexp.MustCompile(`apiserver_longrunning_requests\{[^}]*group="` +
	regexp.QuoteMeta(customGroup) + `"[^}]*verb="WATCH"[^}]*\} [1-9]`)

// waitCollected waits until the garbage collector watches the custom resource, as it
// watches every resource of a cluster. It looks for new ones twice a minute.
func (h *host) waitCollected(b *testing.B) {
	b.Helper()
	eventually(b, "the garbage collector watches the custom resource", func(ctx context.Context) error {
		metrics, err := h.kubernetes.Discovery().RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
		if err == nil && !collected.Match(metrics) {
			err = errors.New("not yet")
		}
		return err
	})
}
