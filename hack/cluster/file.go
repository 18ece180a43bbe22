// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path"
	"regexp"
	"text/template"
)

//go:embed config manifests
var files embed.FS

// values are what the templates in config and manifests may ask for.
type values struct {
	Dir, Socket, CNIPlugins, Bridge, PauseImage   string
	PodCIDR, NodeIP, DNSIP, Domain, Cert, Key, CA string
	KubeletPort, KubeletHealthPort                string
	DNSPort, DNSReadyPort                         string
	Upstream                                      bool
}

var nameserver = regexp.MustCompile(`(?m)^nameserver\s`)

func (c *cluster) values() values {
	resolv, _ := os.ReadFile("/etc/resolv.conf") // absent: there is no upstream
	return values{
		Dir: c.dir, Socket: c.containerdSocket(), CNIPlugins: cniPlugins, Bridge: bridgeName,
		PauseImage: c.imageName(pauseImage),
		PodCIDR:    podCIDR, NodeIP: nodeIP, DNSIP: dnsIP, Domain: domain,
		Cert: c.cert("kubelet"), Key: c.key("kubelet"), CA: c.cert(rootCA),
		KubeletPort: c.portString(portKubelet), KubeletHealthPort: c.portString(portKubeletHealth),
		DNSPort: c.portString(portDNS), DNSReadyPort: c.portString(portDNSReady),
		Upstream: nameserver.Match(resolv),
	}
}

// render fills in an embedded template.
func (c *cluster) render(name string) ([]byte, error) {
	t, err := template.New(path.Base(name)).Option("missingkey=error").ParseFS(files, name)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	if err := t.Execute(&buf, c.values()); err != nil {
		return nil, fmt.Errorf("render %s: %w", name, err)
	}
	return buf.Bytes(), nil
}

// renderTo writes a filled-in template below the cluster's folder.
func (c *cluster) renderTo(target, name string) error {
	data, err := c.render(name)
	if err != nil {
		return err
	}
	return c.write(target, data, 0o644)
}

// apply applies an embedded manifest.
func (c *cluster) apply(ctx context.Context, name string) error {
	data, err := c.render(name)
	if err != nil {
		return err
	}
	cmd := c.kubectlCommand(ctx, "apply", "-f", "-")
	cmd.Stdin = bytes.NewReader(data)
	return c.logged("kubectl", cmd)
}

func (c *cluster) kubectl(ctx context.Context, args ...string) error {
	return c.logged("kubectl", c.kubectlCommand(ctx, args...))
}

func (c *cluster) kubectlCommand(ctx context.Context, args ...string) *exec.Cmd {
	args = append([]string{"--kubeconfig=" + c.adminKubeconfig()}, args...)
	return exec.CommandContext(ctx, c.tool(kubernetes, "kubectl"), args...)
}
