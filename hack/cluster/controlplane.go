// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"
)

func (c *cluster) etcd() *process {
	client := "https://" + c.addr(loopback, portEtcd)
	peer := "http://" + c.addr(loopback, portEtcdPeer)
	return c.daemon("etcd", c.tool(etcd, "server"),
		"--name="+nodeName,
		"--data-dir="+c.path("etcd"),
		"--listen-client-urls="+client,
		"--advertise-client-urls="+client,
		"--listen-peer-urls="+peer,
		"--initial-advertise-peer-urls="+peer,
		"--initial-cluster="+nodeName+"="+peer,
		"--cert-file="+c.cert("etcd"),
		"--key-file="+c.key("etcd"),
		"--client-cert-auth",
		"--trusted-ca-file="+c.cert(rootCA),
		"--log-level=warn",
	)
}

func (c *cluster) startEtcd(ctx context.Context) error {
	p := c.etcd()
	if err := p.start(); err != nil {
		return err
	}
	return p.ready(ctx, 30*time.Second, c.healthy("https://"+c.addr(loopback, portEtcd)+"/health"))
}

func (c *cluster) apiServer() *process {
	return c.daemon("kube-apiserver", c.tool(kubernetes, "kube-apiserver"),
		"--etcd-servers=https://"+c.addr(loopback, portEtcd),
		"--etcd-cafile="+c.cert(rootCA),
		"--etcd-certfile="+c.cert("admin"),
		"--etcd-keyfile="+c.key("admin"),
		// The bridge's address is reached by pods and by this machine, and by nobody else.
		"--bind-address="+nodeIP,
		"--advertise-address="+nodeIP,
		"--secure-port="+c.portString(portAPIServer),
		"--service-cluster-ip-range="+svcCIDR,
		"--tls-cert-file="+c.cert("kube-apiserver"),
		"--tls-private-key-file="+c.key("kube-apiserver"),
		"--client-ca-file="+c.cert(rootCA),
		"--authorization-mode=Node,RBAC",
		"--allow-privileged=true",
		"--kubelet-certificate-authority="+c.cert(rootCA),
		"--kubelet-client-certificate="+c.cert("kube-apiserver"),
		"--kubelet-client-key="+c.key("kube-apiserver"),
		"--kubelet-preferred-address-types=InternalIP",
		"--service-account-issuer=https://kubernetes.default.svc."+domain,
		"--service-account-key-file="+c.cert(accountCA),
		"--service-account-signing-key-file="+c.key(accountCA),
		"--requestheader-client-ca-file="+c.cert(proxyCA),
		"--requestheader-allowed-names=front-proxy-client",
		"--requestheader-username-headers=X-Remote-User",
		"--requestheader-uid-headers=X-Remote-Uid",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file="+c.cert("front-proxy-client"),
		"--proxy-client-key-file="+c.key("front-proxy-client"),
	)
}

func (c *cluster) startAPIServer(ctx context.Context) error {
	p := c.apiServer()
	if err := p.start(); err != nil {
		return err
	}
	return p.ready(ctx, 90*time.Second, c.healthy("https://"+c.addr(nodeIP, portAPIServer)+"/readyz"))
}

func (c *cluster) controllerManager() *process {
	name := "kube-controller-manager"
	return c.daemon(name, c.tool(kubernetes, name), append(c.serving(name, portControllerManager),
		"--leader-elect=false",
		"--use-service-account-credentials",
		"--root-ca-file="+c.cert(rootCA),
		"--service-account-private-key-file="+c.key(accountCA),
		"--cluster-signing-cert-file="+c.cert(rootCA),
		"--cluster-signing-key-file="+c.key(rootCA),
	)...)
}

func (c *cluster) scheduler() *process {
	name := "kube-scheduler"
	return c.daemon(name, c.tool(kubernetes, name), append(c.serving(name, portScheduler), "--leader-elect=false")...)
}

// serving are the flags that controller manager and scheduler share.
func (c *cluster) serving(name string, port int) []string {
	kubeconfig := c.path(name + ".kubeconfig")
	return []string{
		"--kubeconfig=" + kubeconfig,
		"--authentication-kubeconfig=" + kubeconfig,
		"--authorization-kubeconfig=" + kubeconfig,
		"--bind-address=" + loopback,
		"--secure-port=" + c.portString(port),
		"--tls-cert-file=" + c.cert(name),
		"--tls-private-key-file=" + c.key(name),
	}
}

func (c *cluster) startControllers(ctx context.Context) error {
	for p, port := range map[*process]int{
		c.controllerManager(): portControllerManager,
		c.scheduler():         portScheduler,
	} {
		if err := p.start(); err != nil {
			return err
		}
		if err := p.ready(ctx, 30*time.Second, c.healthy("https://"+c.addr(loopback, port)+"/healthz")); err != nil {
			return err
		}
	}
	return nil
}
