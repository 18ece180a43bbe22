// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Command cluster makes a real Kubernetes cluster on one Debian machine from
// Go modules and Debian packages: control plane, a node that runs containers,
// DNS, a registry, Tekton and PostgreSQL. See README.md beside it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

const usage = `usage: cluster COMMAND

  up              make the cluster, or complete one that is half there
  down            remove the cluster and its state; the built programs stay cached
  status          list the cluster's processes
  env             print the shell variables that point tools at the cluster
  postgres up     start a private PostgreSQL for tests and print its DSN
  postgres down   stop it and remove its data
  kill PART       end kube-apiserver, kube-controller-manager or postgres as a crash does
  start PART      start it again
  second PORT     run another kube-apiserver, with more flags behind PORT, until interrupted
  keys PREFIX     count the keys below a prefix in etcd; keys PREFIX WORD: those that hold a word
  registry        serve the image registry (up starts it)
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	c, err := newCluster()
	if err != nil {
		return err
	}
	if len(args) >= 2 && args[0] == "second" {
		return c.second(ctx, args[1], args[2:])
	}
	if len(args) == 3 && args[0] == "keys" && args[1] != "" {
		return c.countHolding(ctx, args[1], args[2])
	}
	if len(args) == 2 && args[1] != "" {
		switch args[0] {
		case "keys":
			return c.countKeys(ctx, args[1])
		case "kill":
			return c.kill(args[1])
		case "start":
			return c.start(ctx, args[1])
		}
	}
	switch strings.Join(args, " ") {
	case "up":
		return c.up(ctx)
	case "down":
		return c.down(ctx)
	case "status":
		return c.status()
	case "env":
		return c.printEnv()
	case "postgres up":
		return c.postgresUp(ctx)
	case "postgres down":
		return c.postgresDown(ctx)
	case "registry":
		return c.serveRegistry(ctx)
	}
	fmt.Fprint(os.Stderr, usage)
	return fmt.Errorf("unknown command %q", strings.Join(args, " "))
}
