// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os/exec"
	"time"
)

func (c *cluster) containerd() *process {
	path, err := exec.LookPath("containerd")
	if err != nil {
		path = "containerd"
	}
	return c.daemon("containerd", path, "--config="+c.path("containerd.toml"))
}

func (c *cluster) startContainerd(ctx context.Context) error {
	if err := c.renderTo("containerd.toml", "config/containerd.toml"); err != nil {
		return err
	}
	if err := c.renderTo("cni/kite.conflist", "config/kite.conflist"); err != nil {
		return err
	}
	p := c.containerd()
	if err := p.start(); err != nil {
		return err
	}
	return p.ready(ctx, 30*time.Second, func(ctx context.Context) error { return c.cri(ctx, "ready") })
}

// cri speaks the protocol of container runtimes, which containerd serves some time after it listens.
func (c *cluster) cri(ctx context.Context, command string) error {
	return c.logged("cri", exec.CommandContext(ctx, c.tool(kubernetes, "cri"), command, "unix://"+c.containerdSocket()))
}

func (c *cluster) kubelet() *process {
	return c.daemon("kubelet", c.tool(kubernetes, "kubelet"),
		"--config="+c.path("kubelet.yaml"),
		"--kubeconfig="+c.path("kubelet.kubeconfig"),
		"--root-dir="+c.path("kubelet"),
		"--cert-dir="+c.path("pki"),
		"--hostname-override="+nodeName,
		"--node-ip="+nodeIP,
	)
}

func (c *cluster) kubeProxy() *process {
	return c.daemon("kube-proxy", c.tool(kubernetes, "kube-proxy"),
		"--kubeconfig="+c.path("kube-proxy.kubeconfig"),
		"--hostname-override="+nodeName,
		"--proxy-mode=iptables",
		"--conntrack-max-per-core=0",
		// The default of 1 s is for clusters with thousands of Services.
		"--iptables-min-sync-period=100ms",
		// Answers of one pod to another otherwise cross the bridge without passing
		// the packet filter, unless br_netfilter is loaded.
		"--masquerade-all",
		"--healthz-bind-address="+c.addr(loopback, portProxyHealth),
		"--metrics-bind-address="+c.addr(loopback, portProxyMetrics),
	)
}

// startNode starts kubelet and kube-proxy and waits until pods can be scheduled.
func (c *cluster) startNode(ctx context.Context) error {
	if err := c.renderTo("kubelet.yaml", "config/kubelet.yaml"); err != nil {
		return err
	}
	kubelet, proxy := c.kubelet(), c.kubeProxy()
	if err := kubelet.start(); err != nil {
		return err
	}
	if err := proxy.start(); err != nil {
		return err
	}
	if err := proxy.ready(ctx, 60*time.Second, c.healthy("http://"+c.addr(loopback, portProxyHealth)+"/livez")); err != nil {
		return err
	}
	return kubelet.ready(ctx, 60*time.Second, func(ctx context.Context) error {
		return c.kubectl(ctx, "wait", "--for=condition=Ready", "node/"+nodeName, "--timeout=5s")
	})
}

func (c *cluster) dns() *process {
	return c.daemon("coredns", c.tool(coredns, "coredns"), "-conf="+c.path("Corefile"))
}

func (c *cluster) startDNS(ctx context.Context) error {
	if err := c.renderTo("Corefile", "config/Corefile"); err != nil {
		return err
	}
	if err := c.apply(ctx, "manifests/dns.yaml"); err != nil {
		return err
	}
	p := c.dns()
	if err := p.start(); err != nil {
		return err
	}
	return p.ready(ctx, 30*time.Second, c.healthy("http://"+c.addr(loopback, portDNSReady)+"/ready"))
}
