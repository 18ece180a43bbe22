// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"kite.dev/kite/hack/image/oci"
)

const pauseImage, busyboxImage = "pause", "busybox"

// tektonImages are the programs of Tekton that run inside a TaskRun's pod.
var tektonImages = []string{"entrypoint", "nop", "sidecarlogresults", "workingdirinit"}

func (c *cluster) imageName(image string) string { return c.registry() + "/" + image + ":latest" }

// pushImages puts the images into the registry that the cluster itself needs.
func (c *cluster) pushImages(ctx context.Context) error {
	pause, err := c.buildPause(ctx)
	if err != nil {
		return err
	}
	specs := map[string]oci.Spec{
		pauseImage: {Files: []oci.File{oci.Copy("/pause", pause, 0o755)}, Entrypoint: []string{"/pause"}, User: "65535:65535"},
	}
	if specs[busyboxImage], err = busybox(ctx); err != nil {
		return err
	}
	for _, program := range tektonImages {
		specs["tekton-"+program] = oci.Spec{
			// Tekton looks for its entrypoint in this folder.
			Files:      []oci.File{oci.Copy("/ko-app/"+program, c.tool(tekton, program), 0o755)},
			Entrypoint: []string{"/ko-app/" + program},
			Env:        []string{"PATH=/ko-app:/usr/bin:/bin"},
		}
	}
	for image, spec := range specs {
		if err := c.push(ctx, image, spec); err != nil {
			return fmt.Errorf("push image %s: %w", image, err)
		}
	}
	return nil
}

func (c *cluster) push(ctx context.Context, image string, spec oci.Spec) error {
	img, err := oci.Image(spec)
	if err != nil {
		return err
	}
	ref, err := name.ParseReference(c.imageName(image))
	if err != nil {
		return err
	}
	return remote.Write(ref, img, remote.WithContext(ctx))
}

// buildPause builds the program that holds a pod's namespaces open.
func (c *cluster) buildPause(ctx context.Context) (string, error) {
	path := filepath.Join(c.cache, "tools", "pause")
	cmd := goCommand(ctx, "pause", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, ".")
	return path, c.logged("build", cmd)
}

// busybox is Debian's static busybox with a link for each of its commands.
func busybox(ctx context.Context) (oci.Spec, error) {
	path := staticBusybox()
	applets, err := exec.CommandContext(ctx, path, "--list").Output()
	if err != nil {
		return oci.Spec{}, fmt.Errorf("list the commands of %s: %w", path, err)
	}
	files := []oci.File{
		oci.Copy("/bin/busybox", path, 0o755),
		oci.Text("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnonroot:x:65532:65532:nonroot:/:/bin/sh\n"),
		oci.Text("/etc/group", "root:x:0:\nnonroot:x:65532:\n"),
		oci.Folder("/root", 0o700),
		oci.Folder("/tmp", 0o777|os.ModeSticky),
	}
	for applet := range strings.FieldsSeq(string(applets)) {
		if applet != "busybox" {
			files = append(files, oci.Link("/bin/"+applet, "/bin/busybox"))
		}
	}
	return oci.Spec{Files: files, Command: []string{"sh"}, Env: []string{"PATH=/bin"}}, nil
}
