// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Command producer is an example of a producer: it asks web addresses whether they answer,
// and reports each that fails and recovers as an Issue of one namespace.
//
//	producer --namespace team-gamma web=https://web.example.com/healthz
//
// It needs the ClusterRole kite-issues-reporter in that namespace, and nothing else.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"kite.dev/kite/pkg/generated/clientset/versioned"
	"kite.dev/kite/pkg/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "producer:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("producer", flag.ContinueOnError)
	namespace := flags.String("namespace", "", "namespace of the issues")
	interval := flags.Duration("interval", time.Minute, "pause between two rounds")
	kubeconfig := flags.String("kubeconfig", os.Getenv("KUBECONFIG"), "kubeconfig file; in a pod the service account is used without one")
	if err := flags.Parse(args); err != nil {
		return err
	}
	targets, err := parseTargets(flags.Args())
	if err != nil {
		return err
	}
	if *namespace == "" || len(targets) == 0 {
		return errors.New("usage: producer --namespace NAMESPACE NAME=URL [NAME=URL ...]")
	}
	cfg, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	cfg.QPS, cfg.Burst = 100, 200 // client-go's own limit of 5 a second makes a batch slow
	client, err := versioned.NewForConfig(cfg)
	if err != nil {
		return err
	}
	p := &prober{
		namespace: *namespace, targets: targets,
		http:   &http.Client{Timeout: 10 * time.Second},
		kite:   report.New(client.IssuesV1alpha1()),
		output: os.Stdout,
	}
	return p.run(ctx, *interval)
}

// parseTargets reads NAME=URL.
func parseTargets(args []string) ([]target, error) {
	targets := make([]target, 0, len(args))
	for _, arg := range args {
		name, url, ok := strings.Cut(arg, "=")
		if !ok || name == "" || url == "" {
			return nil, fmt.Errorf("%q is not NAME=URL", arg)
		}
		targets = append(targets, target{name: name, url: url})
	}
	return targets, nil
}
