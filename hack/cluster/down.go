// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// state are the parts of the cluster's folder that down removes. Logs stay, and
// so does what the test database needs.
var state = []string{
	"admin.kubeconfig", "cni", "containerd", "containerd.toml", "coredns.kubeconfig", "Corefile", "etcd",
	"kube-controller-manager.kubeconfig", "kube-proxy.kubeconfig", "kube-scheduler.kubeconfig",
	"kubelet", "kubelet.kubeconfig", "kubelet.yaml", "pod-logs", "postgres.dsn", "registry", "tekton.kubeconfig",
}

// down removes the cluster. A part that cannot be removed does not stop the rest.
func (c *cluster) down(ctx context.Context) error {
	if err := c.lock(); err != nil {
		return err
	}
	var errs []error
	steps := []step{
		{"Tekton, DNS, kube-proxy, kubelet stopped", func(context.Context) error {
			return stopAll(c.tektonController(), c.dns(), c.kubeProxy(), c.kubelet())
		}},
		{"pods removed", c.removePods},
		{"containerd stopped", func(context.Context) error { return stopAll(c.containerd()) }},
		{"control plane stopped", c.stopControlPlane},
		{"PostgreSQL removed", c.removeDatabase},
		{"network removed", c.removeNetwork},
		{"state removed", c.removeState},
	}
	for i, s := range steps {
		if err := s.run(ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.name, err))
			continue
		}
		c.log.say("[%d/%d] %s", i+1, len(steps), s.name)
	}
	return errors.Join(errs...)
}

func stopAll(processes ...*process) error {
	var errs []error
	for _, p := range processes {
		errs = append(errs, p.stop())
	}
	return errors.Join(errs...)
}

// removePods asks containerd to end every pod and to take down its network. A
// containerd that died is started for it: its pods outlive it.
func (c *cluster) removePods(ctx context.Context) error {
	if !exists(c.path("containerd")) {
		return nil
	}
	if err := c.startContainerd(ctx); err != nil {
		return err
	}
	return c.cri(ctx, "remove")
}

func (c *cluster) stopControlPlane(context.Context) error {
	registry, err := c.registryServer()
	if err != nil {
		return err
	}
	return stopAll(c.scheduler(), c.controllerManager(), c.apiServer(), c.etcd(), registry)
}

func (c *cluster) removeDatabase(context.Context) error {
	p, err := c.clusterPostgres()
	if err != nil {
		return err
	}
	return p.remove()
}

func (c *cluster) removeState(context.Context) error {
	if err := c.unmountState(); err != nil {
		return err
	}
	errs := []error{removeLogLinks(c.path("pod-logs"))}
	for _, name := range state {
		errs = append(errs, os.RemoveAll(c.path(name)))
	}
	return errors.Join(errs...)
}

// removeLogLinks removes the links that kubelet keeps in a folder of its own choice.
func removeLogLinks(target string) error {
	links, err := filepath.Glob("/var/log/containers/*.log")
	if err != nil {
		return err
	}
	var errs []error
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil && strings.HasPrefix(to, target+"/") {
			errs = append(errs, os.Remove(link))
		}
	}
	return errors.Join(errs...)
}
