// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Command models-schema prints the OpenAPI v2 schemas of Kite's kinds as JSON.
// The generator of apply configurations reads them.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/validation/spec"

	"kite.dev/kite/pkg/generated/openapi"
)

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write() error {
	swagger := &spec.Swagger{SwaggerProps: spec.SwaggerProps{
		Swagger:     "2.0",
		Info:        &spec.Info{InfoProps: spec.InfoProps{Title: "Kite", Version: "v1alpha1"}},
		Definitions: definitions(),
	}}
	if err := json.NewEncoder(os.Stdout).Encode(swagger); err != nil {
		return fmt.Errorf("write the schemas: %w", err)
	}
	return nil
}

// The generator looks kinds up by the path of their package, and does not know the names
// that their models have (+k8s:openapi-model-package). hack/update-codegen.sh puts these
// names into what it makes.
const (
	modelPackage = "dev.kite.issues."
	goPackage    = "dev.kite.kite.pkg.apis.issues."
)

func goName(name string) string {
	if model, ok := strings.CutPrefix(name, modelPackage); ok {
		return goPackage + model
	}
	return name
}

// definitions prefers a type's own v2 schema where it embeds one, such as
// IntOrString's.
func definitions() spec.Definitions {
	ref := func(name string) spec.Ref { return spec.MustCreateRef("#/definitions/" + goName(name)) }
	out := spec.Definitions{}
	for name, definition := range openapi.GetOpenAPIDefinitions(ref) {
		schema := definition.Schema
		if v2, ok := schema.Extensions[common.ExtensionV2Schema].(spec.Schema); ok {
			schema = v2
		}
		out[goName(name)] = schema
	}
	return out
}
