// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"context"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"

	"kite.dev/kite/pkg/generated/clientset/versioned"
)

// command is a role of the test binary with what it needs to know.
type command struct {
	role        string
	environment []string
	args        []string
}

// startServing runs an API server until the benchmark ends.
func startServing(b *testing.B, server command) process {
	b.Helper()
	address := freeAddress(b)
	_, port, err := net.SplitHostPort(address)
	require.NoError(b, err)
	cmd := again(context.WithoutCancel(b.Context()), server.role, server.environment,
		append(server.args, "--bind-address=127.0.0.1", "--secure-port="+port)...)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	require.NoError(b, cmd.Start())
	b.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if b.Failed() {
			b.Log(log.String())
		}
	})
	return process{address: address, pid: cmd.Process.Pid}
}

func waitReady(b *testing.B, cfg *rest.Config) {
	b.Helper()
	client := versioned.NewForConfigOrDie(cfg).Discovery().RESTClient()
	err := wait.PollUntilContextTimeout(b.Context(), 20*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
		return client.Get().AbsPath("/readyz").MaxRetries(0).Do(ctx).Error() == nil, nil
	})
	require.NoError(b, err, "kite-apiserver never became ready")
}
