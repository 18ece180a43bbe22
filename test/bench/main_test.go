// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package bench has the benchmarks that need a peer or several processes: upstream's own
// against etcd, reports over two servers, and watches in another process.
// docs/benchmarks.md says how to run and to read them.
package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/go-logr/logr"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/feature"
	"k8s.io/klog/v2"

	"kite.dev/kite/cmd/apiserver/app"
	"kite.dev/kite/pkg/cli"
)

// envRole makes the test binary another program.
const (
	envRole      = "KITE_BENCH_ROLE"
	roleServer   = "apiserver"
	roleEtcd3    = "etcd3"
	roleWatcher  = "watcher"
	roleWatchers = "watchers"
)

// supportsProgress tells watch caches what both storages here do: they answer requests
// for progress. Upstream's default asks etcd, and there is one for the whole process.
type supportsProgress struct{ feature.FeatureSupportChecker }

func (s supportsProgress) Supports(f storage.Feature) bool {
	return f == storage.RequestWatchProgress || s.FeatureSupportChecker.Supports(f)
}

func TestMain(m *testing.M) {
	switch os.Getenv(envRole) {
	case roleServer:
		os.Exit(cli.Run(app.NewCommand(), os.Stderr))
	case roleEtcd3:
		exit(serveFromEtcd(genericapiserver.SetupSignalContext(), os.Args[1:]))
	case roleWatcher:
		exit(watchUntilTold(context.Background(), os.Stdin, os.Stdout))
	case roleWatchers:
		exit(watchOverHTTP(context.Background(), os.Stdin, os.Stdout))
	}
	klog.SetLogger(logr.Discard())
	feature.DefaultFeatureSupportChecker = supportsProgress{feature.DefaultFeatureSupportChecker}
	os.Exit(m.Run())
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// again is the test binary in another role.
func again(ctx context.Context, role string, environment []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append([]string{envRole + "=" + role}, environment...)
	return cmd
}
