// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package oci

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/require"
)

func TestImage(t *testing.T) {
	t.Parallel()
	source := filepath.Join(t.TempDir(), "program")
	require.NoError(t, os.WriteFile(source, []byte("binary"), 0o600))
	files := []File{
		Copy("/usr/bin/program", source, 0o755),
		Link("/bin/program", "/usr/bin/program"),
		Text("/etc/passwd", "nonroot"),
		Folder("/tmp", 0o777|os.ModeSticky),
	}
	for name, compress := range map[string]bool{"Plain": false, "Gzip": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			img, err := Image(Spec{Files: files, User: "65532:65532", Compress: compress})
			require.NoError(t, err)
			config, err := img.ConfigFile()
			require.NoError(t, err)
			require.Equal(t, "65532:65532", config.Config.User)
			want := []string{
				"bin/ 0755", "bin/program 0777 -> /usr/bin/program", "etc/ 0755", "etc/passwd 0644",
				"tmp/ 1777", "usr/ 0755", "usr/bin/ 0755", "usr/bin/program 0755",
			}
			require.Empty(t, cmp.Diff(want, entries(t, img)))
		})
	}
}

func TestImageIsReproducible(t *testing.T) {
	t.Parallel()
	digest := func(modified time.Time) v1.Hash {
		source := filepath.Join(t.TempDir(), "program")
		require.NoError(t, os.WriteFile(source, []byte("binary"), 0o600))
		require.NoError(t, os.Chtimes(source, modified, modified))
		img, err := Image(Spec{Files: []File{Copy("/program", source, 0o755)}, Compress: true})
		require.NoError(t, err)
		hash, err := img.Digest()
		require.NoError(t, err)
		return hash
	}
	require.Equal(t, digest(time.Unix(1, 0)), digest(time.Unix(1_000_000, 0)))
}

func entries(t *testing.T, img v1.Image) []string {
	t.Helper()
	layers, err := img.Layers()
	require.NoError(t, err)
	require.Len(t, layers, 1)
	content, err := layers[0].Uncompressed()
	require.NoError(t, err)
	defer content.Close()
	var found []string
	for r := tar.NewReader(content); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		require.NoError(t, err)
		found = append(found, describe(header))
	}
}

func describe(header *tar.Header) string {
	text := fmt.Sprintf("%s %04o", header.Name, header.Mode)
	if header.Linkname != "" {
		text += " -> " + header.Linkname
	}
	return text
}
