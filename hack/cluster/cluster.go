// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

const (
	nodeName   = "kite"
	bridgeName = "kite0"
	domain     = "cluster.local"

	// The bridge carries the node's own address and every pod's.
	podCIDR   = "10.244.0.0/16"
	nodeIP    = "10.244.0.1"
	nodeCIDR  = nodeIP + "/16"
	svcCIDR   = "10.96.0.0/16"
	apiIP     = "10.96.0.1"
	dnsIP     = "10.96.0.10"
	loopback  = "127.0.0.1"
	stateMode = 0o755
)

// defaultPort lies below both the ephemeral and the NodePort range.
const defaultPort = 16440

// The cluster's ports count from KITE_CLUSTER_PORT.
const (
	portAPIServer = iota
	portEtcd
	portEtcdPeer
	portControllerManager
	portScheduler
	portKubelet
	portKubeletHealth
	portProxyHealth
	portProxyMetrics
	portRegistry
	portDNS
	portDNSReady
	portPostgres
	portTestPostgres
	portTektonProbes
	portTektonMetrics
)

// cluster says where everything lives: two folders and a range of ports.
type cluster struct {
	cache string // built programs, kept by down
	dir   string // all state, removed by down
	port  int
	log   *progress
}

func newCluster() (*cluster, error) {
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	c := &cluster{cache: cache, dir: os.Getenv("KITE_CLUSTER_DIR"), port: defaultPort, log: &progress{}}
	if c.dir == "" {
		c.dir = filepath.Join(cache, "cluster")
	}
	if c.dir, err = filepath.Abs(c.dir); err != nil {
		return nil, err
	}
	if s := os.Getenv("KITE_CLUSTER_PORT"); s != "" {
		if c.port, err = strconv.Atoi(s); err != nil {
			return nil, fmt.Errorf("parse KITE_CLUSTER_PORT: %w", err)
		}
	}
	// A login shell of an ordinary user that became root has no sbin folders.
	return c, os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
}

func cacheDir() (string, error) {
	if dir := os.Getenv("KITE_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache folder (set KITE_CACHE): %w", err)
	}
	return filepath.Join(dir, "kite"), nil
}

func (c *cluster) path(elem ...string) string {
	return filepath.Join(append([]string{c.dir}, elem...)...)
}

func (c *cluster) addr(ip string, port int) string {
	return net.JoinHostPort(ip, strconv.Itoa(c.port+port))
}

func (c *cluster) portString(port int) string { return strconv.Itoa(c.port + port) }

func (c *cluster) adminKubeconfig() string { return c.path("admin.kubeconfig") }

func (c *cluster) containerdSocket() string { return c.path("containerd", "containerd.sock") }

func (c *cluster) registry() string { return c.addr("localhost", portRegistry) }

// lock keeps two runs of up, down or postgres apart; the kernel frees it when the process ends.
func (c *cluster) lock() error {
	if err := os.MkdirAll(c.dir, stateMode); err != nil {
		return err
	}
	f, err := os.OpenFile(c.path("lock"), os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return nil
}

// write creates a file below the cluster's folder; secrets get mode 0600.
func (c *cluster) write(name string, data []byte, mode os.FileMode) error {
	path := c.path(name)
	if err := os.MkdirAll(filepath.Dir(path), stateMode); err != nil {
		return err
	}
	temp := path + ".new"
	if err := os.WriteFile(temp, data, mode); err != nil {
		return err
	}
	return os.Rename(temp, path)
}
