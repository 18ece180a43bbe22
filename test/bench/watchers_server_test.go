// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"encoding/gob"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/generated/clientset/versioned"
)

// watchConnections carry the watches, as the few of a cluster's kube-apiservers do.
const watchConnections = 10

// watching is the parent's end of the process that watches over HTTP.
type watching struct {
	in  *gob.Encoder
	out *gob.Decoder
}

// startWatching returns when the watches of so many namespaces, one each, and those of all
// stand.
func startWatching(b *testing.B, cfg *rest.Config, namespaces int) *watching {
	b.Helper()
	cmd := again(context.WithoutCancel(b.Context()), roleWatchers, nil)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	b.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	w := &watching{in: gob.NewEncoder(in), out: gob.NewDecoder(out)}
	require.NoError(b, w.in.Encode(watchOrder{
		Server: cfg.Host, Token: cfg.BearerToken, Connections: watchConnections, Paths: watchPaths(b, cfg, namespaces),
	}))
	var ready bool
	require.NoError(b, w.out.Decode(&ready))
	return w
}

// watchPaths are watches from now on.
func watchPaths(b *testing.B, cfg *rest.Config, namespaces int) []string {
	b.Helper()
	const api = "/apis/" + v1alpha1.GroupName + "/v1alpha1/"
	query := fmt.Sprintf("issues?watch=true&resourceVersion=%d", newestRevision(b, versioned.NewForConfigOrDie(cfg)))
	paths := make([]string, 0, namespaces+clusterWatchers)
	for i := range namespaces {
		paths = append(paths, api+"namespaces/"+namespaceOf(i)+"/"+query)
	}
	for range clusterWatchers {
		paths = append(paths, api+query)
	}
	return paths
}

// namespaceOf is where the issue of a number is.
func namespaceOf(i int) string { return fmt.Sprintf("team-%04d", i%namespaceWatchers) }

// sightings waits for so many deliveries since the last time.
func (w *watching) sightings(b *testing.B, n int) []sighting {
	b.Helper()
	require.NoError(b, w.in.Encode(n))
	var seen []sighting
	require.NoError(b, w.out.Decode(&seen))
	require.Equal(b, n, len(seen), "each event comes once to each watch that it concerns") //nolint:testifylint // Len would print them all
	return seen
}
