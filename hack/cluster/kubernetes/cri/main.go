// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Command cri asks a container runtime for what its socket alone does not tell,
// and for what kubelet leaves undone when it stops.
//
//	cri ready ENDPOINT   succeeds when pods can be started
//	cri remove ENDPOINT  ends every pod; its address, network namespace and mounts are released
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	cri "k8s.io/cri-api/pkg/apis"
	remote "k8s.io/cri-client/pkg"
)

const timeout = 30 * time.Second

var commands = map[string]func(context.Context, cri.RuntimeService) error{
	"ready":  ready,
	"remove": remove,
}

func main() {
	if len(os.Args) != 3 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: cri ready|remove ENDPOINT")
		os.Exit(2)
	}
	ctx := context.Background()
	service, err := remote.NewRemoteRuntimeService(ctx, os.Args[2], timeout, nil, false)
	if err == nil {
		err = commands[os.Args[1]](ctx, service)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cri:", err)
		os.Exit(1)
	}
}

func ready(ctx context.Context, service cri.RuntimeService) error {
	answer, err := service.Status(ctx, false)
	if err != nil {
		return err
	}
	var errs []error
	for _, condition := range answer.Status.Conditions {
		if !condition.Status {
			errs = append(errs, fmt.Errorf("not %s: %s", condition.Type, condition.Message))
		}
	}
	return errors.Join(errs...)
}

func remove(ctx context.Context, service cri.RuntimeService) error {
	pods, err := service.ListPodSandbox(ctx, nil)
	if err != nil {
		return fmt.Errorf("list pods: %w", err)
	}
	var errs []error
	for _, pod := range pods {
		if err := service.StopPodSandbox(ctx, pod.Id); err != nil {
			errs = append(errs, fmt.Errorf("stop pod %s/%s: %w", pod.Metadata.Namespace, pod.Metadata.Name, err))
			continue
		}
		if err := service.RemovePodSandbox(ctx, pod.Id); err != nil {
			errs = append(errs, fmt.Errorf("remove pod %s/%s: %w", pod.Metadata.Namespace, pod.Metadata.Name, err))
		}
	}
	return errors.Join(errs...)
}
