// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package oci makes container images from files, without a container engine.
// The same files give the same digest: times are fixed and entries are sorted.
package oci

import (
	"archive/tar"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Spec describes an image of one layer.
type Spec struct {
	Files      []File
	Entrypoint []string
	Command    []string
	Env        []string
	Labels     map[string]string
	// User is "uid:gid"; empty means root.
	User string
	// Architecture is a GOARCH; empty means this machine's.
	Architecture string
	// Compress packs the layer with gzip: right for a registry that is far away.
	Compress bool
}

// Image builds the image in memory.
func Image(spec Spec) (v1.Image, error) {
	layer, err := layer(spec)
	if err != nil {
		return nil, err
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err := mutate.AppendLayers(base, layer)
	if err != nil {
		return nil, err
	}
	file, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS = "linux"
	file.Architecture = cmp.Or(spec.Architecture, runtime.GOARCH)
	file.Created = v1.Time{Time: time.Unix(0, 0).UTC()}
	file.Config = v1.Config{
		Entrypoint: spec.Entrypoint,
		Cmd:        spec.Command,
		Env:        spec.Env,
		Labels:     spec.Labels,
		User:       spec.User,
	}
	return mutate.ConfigFile(img, file)
}

func layer(spec Spec) (v1.Layer, error) {
	data, err := pack(spec.Files)
	if err != nil {
		return nil, err
	}
	if !spec.Compress {
		return static.NewLayer(data, types.OCIUncompressedLayer), nil
	}
	opener := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
	return tarball.LayerFromOpener(opener, tarball.WithMediaType(types.OCILayer))
}

// pack writes the files and their parent folders as a tar archive.
func pack(files []File) ([]byte, error) {
	files = slices.Clone(files)
	for _, f := range files {
		for dir := path.Dir(f.path); dir != "/"; dir = path.Dir(dir) {
			files = append(files, Folder(dir, 0o755))
		}
	}
	// Stable: a folder that the caller described comes before the one made for its children.
	slices.SortStableFunc(files, func(a, b File) int { return strings.Compare(a.path, b.path) })
	files = slices.CompactFunc(files, func(a, b File) bool { return a.path == b.path })

	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, f := range files {
		if err := f.writeTo(w); err != nil {
			return nil, fmt.Errorf("pack %s: %w", f.path, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// File is one entry of a layer.
type File struct {
	path   string
	kind   byte
	mode   os.FileMode
	source string // path of a file to copy
	text   string // content, or a link's target
}

// Copy is a file with the content of another on this machine.
func Copy(path, source string, mode os.FileMode) File {
	return File{path: path, kind: tar.TypeReg, mode: mode, source: source}
}

// Text is a small file with the content given, readable by everyone.
func Text(path, content string) File {
	return File{path: path, kind: tar.TypeReg, mode: 0o644, text: content}
}

// Link is a symbolic link.
func Link(path, target string) File {
	return File{path: path, kind: tar.TypeSymlink, mode: 0o777, text: target}
}

// Folder is an empty folder; only one with unusual rights needs to be named.
func Folder(path string, mode os.FileMode) File {
	return File{path: path, kind: tar.TypeDir, mode: mode}
}

func (f File) writeTo(w *tar.Writer) error {
	header := &tar.Header{Name: strings.TrimPrefix(f.path, "/"), Typeflag: f.kind, Mode: int64(f.mode.Perm()), ModTime: time.Unix(0, 0)}
	if f.mode&os.ModeSticky != 0 {
		header.Mode |= 0o1000
	}
	content := []byte(f.text)
	switch f.kind {
	case tar.TypeDir:
		header.Name += "/"
		content = nil
	case tar.TypeSymlink:
		header.Linkname = f.text
		content = nil
	case tar.TypeReg:
		if f.source != "" {
			data, err := os.ReadFile(f.source)
			if err != nil {
				return err
			}
			content = data
		}
		header.Size = int64(len(content))
	}
	if err := w.WriteHeader(header); err != nil {
		return err
	}
	_, err := w.Write(content)
	return err
}
