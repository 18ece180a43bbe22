// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const (
	cniPlugins = "/usr/lib/cni"
	policyFile = "/usr/sbin/policy-rc.d"
)

// debianPackages says by which sign an installed package is known.
var debianPackages = map[string]func() bool{
	"busybox-static":              func() bool { return staticBusybox() != "" },
	"containerd":                  inPath("containerd"),
	"containernetworking-plugins": func() bool { return exists(filepath.Join(cniPlugins, "bridge")) },
	"iproute2":                    inPath("ip"),
	"iptables":                    inPath("iptables"),
	"postgresql":                  func() bool { return postgresBin() != "" },
	"runc":                        inPath("runc"),
}

func inPath(program string) func() bool {
	return func() bool {
		_, err := exec.LookPath(program)
		return err == nil
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// staticBusybox is the path of a busybox that runs in an image with nothing else in it.
func staticBusybox() string {
	path, err := exec.LookPath("busybox")
	if err != nil {
		return ""
	}
	f, err := elf.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		return ""
	}
	return path
}

// installPackages brings what is missing of the named Debian packages, without starting their services.
func (c *cluster) installPackages(ctx context.Context, names ...string) error {
	names = slices.DeleteFunc(names, func(name string) bool { return debianPackages[name]() })
	if len(names) == 0 {
		return nil
	}
	list := strings.Join(names, " ")
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		return fmt.Errorf("missing %s: install them, or run this as root on Debian", list)
	}
	c.log.say("installing Debian packages: %s", list)
	restore, err := holdServices()
	if err != nil {
		return err
	}
	install := append([]string{"install", "-y", "--no-install-recommends"}, names...)
	return errors.Join(c.aptGet(ctx, "update"), c.aptGet(ctx, install...), restore())
}

func (c *cluster) aptGet(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "apt-get", append([]string{"-q"}, args...)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	return c.logged("apt", cmd)
}

// holdServices keeps package scripts from starting services, by Debian's own
// means: a policy file that answers "action forbidden" (101).
func holdServices() (restore func() error, err error) {
	if exists(policyFile) {
		return func() error { return nil }, nil
	}
	err = os.WriteFile(policyFile, []byte("#!/bin/sh\nexit 101\n"), 0o755)
	return func() error { return os.Remove(policyFile) }, err
}

// logged runs a command whose output matters only when it fails.
func (c *cluster) logged(name string, cmd *exec.Cmd) error {
	path := c.path("logs", name+".log")
	if err := os.MkdirAll(filepath.Dir(path), stateMode); err != nil {
		return err
	}
	log, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w; see %s", filepath.Base(cmd.Path), strings.Join(cmd.Args[1:], " "), err, path)
	}
	return nil
}
