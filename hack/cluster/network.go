// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// makeBridge makes the pods' bridge before the CNI plugin would, because the API
// server and the registry of Services need its address first.
func (c *cluster) makeBridge(ctx context.Context) error {
	if exists(filepath.Join("/sys/class/net", bridgeName)) {
		return nil
	}
	for _, args := range [][]string{
		{"link", "add", bridgeName, "type", "bridge"},
		{"address", "add", nodeCIDR, "dev", bridgeName},
		{"link", "set", bridgeName, "up"},
	} {
		if err := c.logged("network", exec.CommandContext(ctx, "ip", args...)); err != nil {
			return err
		}
	}
	return nil
}

// removeNetwork takes away the bridge and what kube-proxy, kubelet and the CNI
// plugins wrote into the packet filter.
func (c *cluster) removeNetwork(ctx context.Context) error {
	var errs []error
	if proxy := c.tool(kubernetes, "kube-proxy"); exists(proxy) {
		errs = append(errs, c.logged("network", exec.CommandContext(ctx, proxy, "--cleanup")))
	}
	for _, program := range []string{"iptables", "ip6tables"} {
		if inPath(program)() {
			errs = append(errs, c.removeChains(ctx, program))
		}
	}
	if exists(filepath.Join("/sys/class/net", bridgeName)) {
		errs = append(errs, c.logged("network", exec.CommandContext(ctx, "ip", "link", "delete", bridgeName)))
	}
	return errors.Join(errs...)
}

// unmountState unmounts what kubelet and containerd left below the cluster's folder, innermost first.
func (c *cluster) unmountState() error {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	var errs []error
	for _, line := range slices.Backward(strings.Split(string(mounts), "\n")) {
		fields := strings.Fields(line)
		if len(fields) < 2 || !strings.HasPrefix(fields[1], c.dir+"/") {
			continue
		}
		if err := syscall.Unmount(fields[1], syscall.MNT_DETACH); err != nil {
			errs = append(errs, fmt.Errorf("unmount %s: %w", fields[1], err))
		}
	}
	return errors.Join(errs...)
}
