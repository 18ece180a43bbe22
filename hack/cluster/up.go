// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"time"
)

func (c *cluster) up(ctx context.Context) error {
	if c.foreign(ctx) {
		c.log.say("KUBECONFIG names a cluster that answers; using it, nothing is built")
		return nil
	}
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return errors.New("a node needs root on Linux; or set KUBECONFIG to a cluster that you have")
	}
	if err := c.lock(); err != nil {
		return err
	}
	begin := time.Now()
	err := c.log.run(ctx, []step{
		{"Debian packages", func(ctx context.Context) error {
			return c.installPackages(ctx, "containerd", "runc", "containernetworking-plugins", "iptables",
				"iproute2", "busybox-static", "postgresql")
		}},
		{"programs built", c.buildTools},
		{"certificates", c.certify},
		{"network bridge", c.makeBridge},
		{"etcd ready", c.startEtcd},
		{"image registry ready, images pushed", c.startRegistry},
		{"PostgreSQL ready", c.startDatabase},
		{"kube-apiserver ready", c.startAPIServer},
		{"kube-controller-manager, kube-scheduler ready", c.startControllers},
		{"containerd ready", c.startContainerd},
		{"node ready", c.startNode},
		{"cluster DNS ready", c.startDNS},
		{"Tekton ready", c.startTekton},
	})
	if err != nil {
		return err
	}
	c.log.say("the cluster is up (%.0fs)", time.Since(begin).Seconds())
	return c.printEnv()
}

// foreign tells whether KUBECONFIG names a reachable cluster that this program did not make.
func (c *cluster) foreign(ctx context.Context) bool {
	kubeconfig := os.Getenv("KUBECONFIG")
	if kubeconfig == "" || kubeconfig == c.adminKubeconfig() {
		return false
	}
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		kubectl = c.tool(kubernetes, "kubectl")
	}
	if err := exec.CommandContext(ctx, kubectl, "get", "--raw=/readyz", "--request-timeout=5s").Run(); err != nil {
		c.log.say("KUBECONFIG is set, but %s get --raw=/readyz fails (%v); making a cluster", kubectl, err)
		return false
	}
	return true
}

// printEnv prints what a shell can evaluate.
func (c *cluster) printEnv() error {
	tools, err := c.toolDir(kubernetes)
	if err != nil {
		return err
	}
	_, err = fmt.Printf("export KUBECONFIG=%s\nexport KITE_REGISTRY=%s\nexport KITE_POSTGRES_DSN_FILE=%s\nexport PATH=$PATH:%s\n",
		c.adminKubeconfig(), c.registry(), c.path("postgres.dsn"), tools)
	return err
}
