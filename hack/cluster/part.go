// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"syscall"
)

// part is a daemon that tests end and start again.
type part struct {
	daemon *process
	// crash ends the daemon, and those that it started, without letting it tidy up.
	crash syscall.Signal
	start func(context.Context) error
}

func (c *cluster) part(name string) (part, error) {
	switch name {
	case "kube-apiserver":
		return part{c.apiServer(), syscall.SIGKILL, c.startAPIServer}, nil
	case "kube-controller-manager":
		return part{c.controllerManager(), syscall.SIGKILL, c.startControllers}, nil
	case "postgres":
		p, err := c.clusterPostgres()
		if err != nil {
			return part{}, err
		}
		// PostgreSQL's immediate shutdown, from which it recovers as from a crash.
		return part{p.process(), syscall.SIGQUIT, p.start}, nil
	}
	return part{}, fmt.Errorf("unknown part %q: want kube-apiserver, kube-controller-manager or postgres", name)
}

func (c *cluster) kill(name string) error {
	p, err := c.part(name)
	if err != nil {
		return err
	}
	if err := c.lock(); err != nil {
		return err
	}
	return p.daemon.stopWith(p.crash)
}

func (c *cluster) start(ctx context.Context, name string) error {
	p, err := c.part(name)
	if err != nil {
		return err
	}
	if err := c.lock(); err != nil {
		return err
	}
	return p.start(ctx)
}
