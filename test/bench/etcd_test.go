// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"

	"kite.dev/kite/test/bench/workload"
)

// tmpfsMagic is what statfs says of a file system in memory, where fsync is free.
const tmpfsMagic = 0x01021994

// newEtcdStore is upstream's storage on an etcd server of its own, which is a process as
// in hack/cluster: empty, on the loopback interface, with fsync.
func newEtcdStore(b *testing.B) storage.Interface {
	b.Helper()
	kind := workload.Plain()
	config := storagebackend.NewDefaultConfig("/registry", kind.Store.Codec)
	config.Transport.ServerList = []string{startEtcd(b)}
	config.Transformer = kind.Store.Transformer
	store, destroy, err := factory.Create(*config.ForResource(kind.Store.GroupResource),
		func() runtime.Object { return kind.Store.NewFunc() }, kind.Store.NewListFunc, kind.Store.Prefix)
	require.NoError(b, err)
	b.Cleanup(destroy)
	return store
}

// startEtcd returns the URL of a server that ends with the benchmark.
func startEtcd(b *testing.B) string {
	b.Helper()
	program, err := etcdProgram()
	require.NoError(b, err)
	client, peer := "http://"+freeAddress(b), "http://"+freeAddress(b)
	cmd := exec.CommandContext(context.WithoutCancel(b.Context()), program,
		"--name=bench", "--data-dir="+diskDir(b),
		"--listen-client-urls="+client, "--advertise-client-urls="+client,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=bench="+peer,
		"--quota-backend-bytes=8589934592", "--log-level=error",
	)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	require.NoError(b, cmd.Start())
	b.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if b.Failed() {
			b.Log(log.String())
		}
	})
	err = wait.PollUntilContextTimeout(b.Context(), 10*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, client+"/health", nil)
		if err != nil {
			return false, err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false, nil //nolint:nilerr // not listening yet
		}
		return response.StatusCode == http.StatusOK, response.Body.Close()
	})
	require.NoError(b, err, "etcd never became healthy")
	return client
}

// etcdProgram builds the etcd that the project's cluster runs.
var etcdProgram = sync.OnceValues(func() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	if cache := os.Getenv("KITE_CACHE"); cache != "" {
		dir = cache
	}
	target := filepath.Join(dir, "bench", "etcd")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", target, "go.etcd.io/etcd/server/v3")
	cmd.Dir = filepath.Join("..", "..", "hack", "cluster", "etcd")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build etcd: %w\n%s", err, out)
	}
	return target, nil
})

// diskDir is an empty folder that lies on a disk, as PostgreSQL's does.
func diskDir(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	var fs syscall.Statfs_t
	require.NoError(b, syscall.Statfs(dir, &fs))
	require.NotEqual(b, int64(tmpfsMagic), fs.Type, "%s is in memory, where fsync costs nothing; set TMPDIR", dir)
	require.NoError(b, os.Chmod(dir, 0o700))
	return dir
}

func freeAddress(b *testing.B) string {
	b.Helper()
	listener, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
	require.NoError(b, err)
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}
