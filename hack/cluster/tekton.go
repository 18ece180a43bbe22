// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"path/filepath"
	"time"
)

// noConversion replaces Tekton's conversion webhook, which the cluster does not
// run. Objects are then right in the stored version only, which is v1.
const noConversion = `{"spec":{"conversion":{"strategy":"None","webhook":null}}}`

func (c *cluster) tektonController() *process {
	p := c.daemon("tekton", c.tool(tekton, "controller"),
		"-kubeconfig="+c.path("tekton.kubeconfig"),
		"-disable-ha=true",
		"-entrypoint-image="+c.imageName("tekton-entrypoint"),
		"-nop-image="+c.imageName("tekton-nop"),
		"-sidecarlogresults-image="+c.imageName("tekton-sidecarlogresults"),
		"-workingdirinit-image="+c.imageName("tekton-workingdirinit"),
		"-shell-image="+c.imageName(busyboxImage),
		"-shell-image-win=none",
	)
	p.env = []string{
		"SYSTEM_NAMESPACE=tekton-pipelines",
		"METRICS_DOMAIN=tekton.dev/pipeline",
		"CONFIG_DEFAULTS_NAME=config-defaults",
		"CONFIG_LOGGING_NAME=config-logging",
		"CONFIG_OBSERVABILITY_NAME=config-observability",
		"CONFIG_FEATURE_FLAGS_NAME=feature-flags",
		"CONFIG_LEADERELECTION_NAME=config-leader-election-controller",
		"CONFIG_SPIRE=config-spire",
		"PROBES_PORT=" + c.portString(portTektonProbes),
		"METRICS_PROMETHEUS_PORT=" + c.portString(portTektonMetrics),
	}
	return p
}

func (c *cluster) startTekton(ctx context.Context) error {
	if err := c.applyTekton(ctx); err != nil {
		return err
	}
	p := c.tektonController()
	if err := p.start(); err != nil {
		return err
	}
	return p.ready(ctx, 60*time.Second, c.healthy("http://"+c.addr(loopback, portTektonProbes)+"/readiness"))
}

// applyTekton applies Tekton's own manifests, without those of the programs that run elsewhere.
func (c *cluster) applyTekton(ctx context.Context) error {
	config := filepath.Join(filepath.Dir(c.tool(tekton, "controller")), "config")
	args := []string{"apply", "--server-side", "--force-conflicts"}
	for _, pattern := range []string{"100-namespace/*.yaml", "20?-*.yaml", "300-crds/*.yaml", "config-*.yaml"} {
		names, err := filepath.Glob(filepath.Join(config, pattern))
		if err != nil {
			return err
		}
		for _, name := range names {
			args = append(args, "-f", name)
		}
	}
	if err := c.kubectl(ctx, args...); err != nil {
		return err
	}
	crds := filepath.Join(config, "300-crds")
	if err := c.kubectl(ctx, "patch", "-f", crds, "--type=merge", "--patch="+noConversion); err != nil {
		return err
	}
	return c.kubectl(ctx, "wait", "-f", crds, "--for=condition=Established", "--timeout=30s")
}
