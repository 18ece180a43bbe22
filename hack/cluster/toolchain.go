// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// toolset is a Go module below hack/cluster and the programs it builds.
type toolset struct {
	module   string
	packages []string
	ldflags  string
	data     string // path of a module whose config folder is kept beside the programs
}

const kubernetesVersion = "-X k8s.io/component-base/version.gitVersion=v1.36.3" +
	" -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36"

var (
	kubernetes = toolset{module: "kubernetes", packages: []string{"tool", "./cri"}, ldflags: kubernetesVersion}
	coredns    = toolset{module: "coredns", packages: []string{"."}}
	etcd       = toolset{module: "etcd", packages: []string{"tool"}}
	tekton     = toolset{module: "tekton", packages: []string{"tool"}, data: "github.com/tektoncd/pipeline"}

	// Kubernetes first: CoreDNS shares most of its packages.
	toolsets = []toolset{kubernetes, coredns, etcd, tekton}
)

// buildTools builds every toolset that is not cached yet.
func (c *cluster) buildTools(ctx context.Context) error {
	for _, t := range toolsets {
		if err := c.buildToolset(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

func (c *cluster) buildToolset(ctx context.Context, t toolset) error {
	target, err := c.toolDir(t)
	if err != nil {
		return err
	}
	if exists(target) {
		return nil
	}
	c.log.say("building %s once, see %s", t.module, c.path("logs", "build.log"))
	begin := time.Now()
	// The rename makes the finished folder appear at once, or not at all.
	temp := target + ".new"
	if err := os.RemoveAll(temp); err != nil {
		return err
	}
	if err := os.MkdirAll(temp, stateMode); err != nil {
		return err
	}
	args := append([]string{"build", "-trimpath", "-ldflags", "-s -w " + t.ldflags, "-o", temp + "/"}, t.packages...)
	if err := c.logged("build", goCommand(ctx, t.module, args...)); err != nil {
		return err
	}
	if err := copyConfig(ctx, t, temp); err != nil {
		return err
	}
	if err := os.Rename(temp, target); err != nil {
		return err
	}
	c.log.say("built %s (%.0fs)", t.module, time.Since(begin).Seconds())
	return nil
}

// goCommand runs go in a toolset's module. Without cgo the programs need no
// compiler of C and run in empty images.
func goCommand(ctx context.Context, module string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = filepath.Join("hack", "cluster", module)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false", "GOWORK=off")
	return cmd
}

func copyConfig(ctx context.Context, t toolset, target string) error {
	if t.data == "" {
		return nil
	}
	out, err := goCommand(ctx, t.module, "list", "-m", "-f", "{{.Dir}}", t.data).Output()
	if err != nil {
		return fmt.Errorf("find module %s: %w", t.data, err)
	}
	source := filepath.Join(strings.TrimSpace(string(out)), "config")
	return os.CopyFS(filepath.Join(target, "config"), os.DirFS(source))
}

// toolDir is named after everything that decides what is built.
func (c *cluster) toolDir(t toolset) (string, error) {
	files, err := filepath.Glob(filepath.Join("hack", "cluster", t.module, "go.*"))
	if err != nil {
		return "", err
	}
	sources, err := filepath.Glob(filepath.Join("hack", "cluster", t.module, "*.go"))
	if err != nil {
		return "", err
	}
	nested, err := filepath.Glob(filepath.Join("hack", "cluster", t.module, "*", "*.go"))
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	fmt.Fprintln(hash, runtime.Version(), t)
	for _, name := range slices.Concat(files, sources, nested) {
		if err := hashFile(hash, name); err != nil {
			return "", err
		}
	}
	return filepath.Join(c.cache, "tools", fmt.Sprintf("%s-%x", t.module, hash.Sum(nil)[:6])), nil
}

func hashFile(hash io.Writer, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(hash, f)
	return err
}

// tool is the path of a built program.
func (c *cluster) tool(t toolset, name string) string {
	dir, err := c.toolDir(t)
	if err != nil {
		// Starting the program then fails and names this path.
		return filepath.Join(t.module, name)
	}
	return filepath.Join(dir, name)
}
