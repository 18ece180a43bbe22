// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"
)

// The files of the cluster's two authorities and its account key.
const (
	rootCA    = "ca"
	proxyCA   = "front-proxy-ca"
	accountCA = "service-account"
)

// identities are the certificates of the cluster's root authority by file name.
var identities = map[string]identity{
	"admin": {name: "kite-admin", groups: []string{"system:masters"}},
	"etcd":  {name: "etcd", hosts: []string{loopback}},
	"kube-apiserver": {name: "kube-apiserver", groups: []string{"system:masters"}, hosts: []string{
		loopback, nodeIP, apiIP, "localhost", "kubernetes", "kubernetes.default",
		"kubernetes.default.svc", "kubernetes.default.svc." + domain,
	}},
	"kube-controller-manager": {name: "system:kube-controller-manager", hosts: []string{loopback}},
	"kube-scheduler":          {name: "system:kube-scheduler", hosts: []string{loopback}},
	"kube-proxy":              {name: "system:kube-proxy"},
	"kubelet":                 {name: "system:node:" + nodeName, groups: []string{"system:nodes"}, hosts: []string{nodeName, nodeIP}},
	"coredns":                 {name: "system:coredns"},
	"postgres":                {name: "postgres", hosts: []string{loopback, nodeIP, "localhost", "kite-postgres.kite-system.svc"}},
	// Tekton's own RBAC then decides what its controller may do, as if it ran in a pod.
	"tekton": {name: "system:serviceaccount:tekton-pipelines:tekton-pipelines-controller"},
}

// kubeconfigs are the identities that talk to the API server.
var kubeconfigs = []string{
	"admin", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet", "coredns", "tekton",
}

// certify writes every certificate and kubeconfig that is missing.
func (c *cluster) certify(context.Context) error {
	root, err := c.authority(rootCA)
	if err != nil {
		return err
	}
	for file, id := range identities {
		if err := root.issue(file, id); err != nil {
			return err
		}
	}
	proxy, err := c.authority(proxyCA)
	if err != nil {
		return err
	}
	if err := proxy.issue("front-proxy-client", identity{name: "front-proxy-client"}); err != nil {
		return err
	}
	if _, err := c.authority(accountCA); err != nil {
		return err
	}
	for _, name := range kubeconfigs {
		if err := c.writeKubeconfig(name); err != nil {
			return err
		}
	}
	return nil
}

// writeKubeconfig embeds the keys, so that the file can be copied elsewhere.
func (c *cluster) writeKubeconfig(name string) error {
	var blobs [3][]byte
	for i, file := range []string{c.cert(rootCA), c.cert(name), c.key(name)} {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		blobs[i] = data
	}
	type object = map[string]any
	named := func(key string, value object) []object { return []object{{"name": nodeName, key: value}} }
	data, err := json.MarshalIndent(object{
		"apiVersion":      "v1",
		"kind":            "Config",
		"current-context": nodeName,
		"clusters": named("cluster", object{
			"server": "https://" + c.addr(nodeIP, portAPIServer), "certificate-authority-data": blobs[0],
		}),
		"users":    named("user", object{"client-certificate-data": blobs[1], "client-key-data": blobs[2]}),
		"contexts": named("context", object{"cluster": nodeName, "user": nodeName}),
	}, "", "  ")
	if err != nil {
		return err
	}
	return c.write(name+".kubeconfig", append(data, '\n'), 0o600)
}

// healthy asks a health endpoint, over TLS as the cluster's administrator.
func (c *cluster) healthy(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		client, err := c.client()
		if err != nil {
			return err
		}
		defer client.CloseIdleConnections()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s", url, resp.Status)
		}
		return nil
	}
}

func (c *cluster) client() (*http.Client, error) {
	ca, err := os.ReadFile(c.cert(rootCA))
	if err != nil {
		return nil, err
	}
	pair, err := tls.LoadX509KeyPair(c.cert("admin"), c.key("admin"))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}}}
	return &http.Client{Transport: transport, Timeout: 2 * time.Second}, nil
}
