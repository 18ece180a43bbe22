// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

// second runs another kube-apiserver until ctx ends, on a port of the loopback interface
// and with more flags. It has the cluster's certificates, and objects of its own in the
// cluster's etcd, which go away with it.
func (c *cluster) second(ctx context.Context, port string, flags []string) (err error) {
	prefix := "/second-" + port + "/"
	if err := c.deleteKeys(ctx, prefix); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.deleteKeys(context.WithoutCancel(ctx), prefix)) }()
	first := c.apiServer()
	own := []string{"--etcd-prefix=" + prefix, "--bind-address=" + loopback, "--secure-port=" + port}
	cmd := exec.CommandContext(ctx, first.path, slices.Concat(first.args, own, flags)...) //nolint:gosec // the caller's flags are wanted
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a terminal's interrupt is for this program
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); ctx.Err() == nil {
		return fmt.Errorf("the second kube-apiserver has ended: %w", err)
	}
	return nil
}
