// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Command image builds one container image for each program named on its command
// line, without a container engine: a static binary, certificates, a user without
// rights. The same source, Go version and CA bundle of this machine give the same
// digest.
//
//	go run ./hack/image --registry localhost:16449 apiserver controllers
//
// builds cmd/apiserver as kite-apiserver and cmd/controllers as kite-controllers,
// pushes both and prints a line "name@digest" for each. Without --registry it
// writes archives that "docker load" and "crane push" take. A software bill of
// materials lies beside them in the output folder.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"kite.dev/kite/hack/image/oci"
)

// nonroot is the user that images by convention run as.
const nonroot = "65532:65532"

// builder holds the command line.
type builder struct {
	registry string
	tag      string
	output   string
	arch     string
	ldflags  string
}

func main() {
	b := &builder{}
	flag.StringVar(&b.registry, "registry", "", "push to this registry, with an optional path; empty: write archives")
	flag.StringVar(&b.tag, "tag", "latest", "tag of the images")
	flag.StringVar(&b.output, "output", "dist", "folder for programs, bills of materials and archives")
	flag.StringVar(&b.arch, "arch", runtime.GOARCH, "processor architecture, as in GOARCH")
	flag.StringVar(&b.ldflags, "ldflags", "-s -w", "flags for the linker")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	for _, program := range flag.Args() {
		if err := b.build(ctx, program); err != nil {
			fmt.Fprintf(os.Stderr, "image: %s: %v\n", program, err)
			stop()
			os.Exit(1)
		}
	}
}

// build makes and delivers the image of cmd/PROGRAM.
func (b *builder) build(ctx context.Context, program string) error {
	image := "kite-" + program
	binary := filepath.Join(b.output, b.arch, image)
	if err := b.compile(ctx, program, binary); err != nil {
		return err
	}
	if err := writeSBOM(binary, filepath.Join(b.output, image+".cdx.json")); err != nil {
		return err
	}
	img, err := oci.Image(b.spec(image, binary))
	if err != nil {
		return err
	}
	return b.deliver(ctx, image, img)
}

func (b *builder) compile(ctx context.Context, program, binary string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", b.ldflags,
		"-o", binary, "./cmd/"+program)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+b.arch)
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

func (b *builder) spec(image, binary string) oci.Spec {
	entrypoint := "/" + image
	files := []oci.File{
		oci.Copy(entrypoint, binary, 0o755),
		oci.Text("/etc/passwd", "nonroot:x:65532:65532:nonroot:/:/sbin/nologin\n"),
		oci.Text("/etc/group", "nonroot:x:65532:\n"),
	}
	const certificates = "/etc/ssl/certs/ca-certificates.crt"
	if _, err := os.Stat(certificates); err == nil {
		files = append(files, oci.Copy(certificates, certificates, 0o644))
	}
	return oci.Spec{
		Files:        files,
		Entrypoint:   []string{entrypoint},
		User:         nonroot,
		Architecture: b.arch,
		Labels:       map[string]string{"org.opencontainers.image.title": image},
		Compress:     true,
	}
}

// deliver pushes the image, or writes its archive, and prints where it is.
func (b *builder) deliver(ctx context.Context, image string, img v1.Image) error {
	digest, err := img.Digest()
	if err != nil {
		return err
	}
	repository := image
	if b.registry != "" {
		repository = b.registry + "/" + image
	}
	tag, err := name.NewTag(repository + ":" + b.tag)
	if err != nil {
		return err
	}
	if b.registry == "" {
		archive := filepath.Join(b.output, image+".tar")
		if err := tarball.WriteToFile(archive, tag, img); err != nil {
			return fmt.Errorf("write %s: %w", archive, err)
		}
	} else if err := remote.Write(tag, img, remote.WithContext(ctx)); err != nil {
		return fmt.Errorf("push %s: %w", tag, err)
	}
	fmt.Printf("%s@%s\n", repository, digest)
	return nil
}
