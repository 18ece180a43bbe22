// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
)

// bill is a CycloneDX 1.6 document, as far as a Go binary can fill it.
type bill struct {
	Format     string      `json:"bomFormat"`
	Spec       string      `json:"specVersion"`
	Version    int         `json:"version"`
	Metadata   metadata    `json:"metadata"`
	Components []component `json:"components"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Type    string `json:"type"`
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	PURL    string `json:"purl,omitempty"`
}

// writeSBOM lists the modules that the linker recorded in a binary.
func writeSBOM(binary, target string) error {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return fmt.Errorf("read the modules of %s: %w", binary, err)
	}
	b := bill{
		Format:   "CycloneDX",
		Spec:     "1.6",
		Version:  1,
		Metadata: metadata{Component: component{Type: "application", Name: filepath.Base(binary)}},
		Components: []component{{
			Type: "library", Name: "std", Version: info.GoVersion, PURL: "pkg:golang/std@" + info.GoVersion[len("go"):],
		}},
	}
	for _, module := range info.Deps {
		b.Components = append(b.Components, library(module))
	}
	data, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(target, append(data, '\n'), 0o644)
}

func library(module *debug.Module) component {
	if module.Replace != nil {
		module = module.Replace
	}
	return component{
		Type:    "library",
		Name:    module.Path,
		Version: module.Version,
		PURL:    "pkg:golang/" + module.Path + "@" + module.Version,
	}
}
