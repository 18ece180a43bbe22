// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

func (c *cluster) registryServer() (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := c.daemon("registry", self, "registry")
	p.env = []string{"KITE_CACHE=" + c.cache, "KITE_CLUSTER_DIR=" + c.dir, "KITE_CLUSTER_PORT=" + c.portString(0)}
	return p, nil
}

func (c *cluster) startRegistry(ctx context.Context) error {
	p, err := c.registryServer()
	if err != nil {
		return err
	}
	if err := p.start(); err != nil {
		return err
	}
	if err := p.ready(ctx, 10*time.Second, c.healthy("http://"+c.registry()+"/v2/")); err != nil {
		return err
	}
	return c.pushImages(ctx)
}

// serveRegistry answers on loopback until the context ends. Layers lie on disk;
// manifests are kept in memory, so up pushes its images again after each start.
func (c *cluster) serveRegistry(ctx context.Context) error {
	blobs := c.path("registry")
	if err := os.MkdirAll(blobs, stateMode); err != nil {
		return err
	}
	server := &http.Server{
		Addr: c.addr(loopback, portRegistry),
		Handler: wholeBlobs(registry.New(
			registry.WithBlobHandler(registry.NewDiskBlobHandler(blobs)),
			registry.Logger(log.Default()),
		)),
		ReadHeaderTimeout: 10 * time.Second,
	}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// wholeBlobs answers a request for a part with the whole, as HTTP allows. The
// registry refuses the open-ended ranges by which containerd resumes a pull.
func wholeBlobs(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Range")
		next.ServeHTTP(w, r)
	})
}
