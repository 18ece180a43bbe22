#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Kite Authors
# SPDX-License-Identifier: Apache-2.0

# Regenerates deepcopy, validation, default and conversion functions, OpenAPI
# definitions and documents, clients, and the reference of configuration files
# from the types in pkg/apis. Kubernetes' tools are built from the versions that
# go.mod names. KUBE_CODEGEN_TAG must stay unset: it would ask for a tag that
# openapi-gen's module does not have.

set -o errexit -o nounset -o pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
unset KUBE_CODEGEN_TAG

module=kite.dev/kite
boilerplate=hack/boilerplate.go.txt

# The tools stay out of the tree and out of the caller's own GOBIN.
GOBIN="${KITE_CACHE:-${XDG_CACHE_HOME:-${HOME}/.cache}/kite}/codegen"
export GOBIN
mkdir -p "${GOBIN}"

go mod download k8s.io/code-generator
codegen="$(go list -m -f '{{.Dir}}' k8s.io/code-generator)"
# shellcheck source=/dev/null
source "${codegen}/kube_codegen.sh"
readonly_pkgs=("${KUBE_CODEGEN_READONLY_PKGS[@]}")

# validation-gen 0.37 fails on metav1.Condition, one marker of which names a
# function in a package that it does not search. So it is not told about metav1,
# and fields of metav1's types are marked +k8s:opaqueType: the registry and
# pkg/apis/issues/validation check what they hold.
KUBE_CODEGEN_READONLY_PKGS=(k8s.io/apimachinery/pkg/types time)
kube::codegen::gen_helpers \
    --boilerplate "${boilerplate}" \
    pkg/apis

KUBE_CODEGEN_READONLY_PKGS=("${readonly_pkgs[@]}")
kube::codegen::gen_openapi \
    --output-dir pkg/generated/openapi \
    --output-pkg "${module}/pkg/generated/openapi" \
    --output-model-name-file zz_generated.model_name.go \
    --report-filename hack/api-violations.list \
    --update-report \
    --boilerplate "${boilerplate}" \
    pkg/apis

kube::codegen::gen_client \
    --with-watch \
    --with-applyconfig \
    --applyconfig-openapi-schema <(go run "./pkg/generated/openapi/cmd/models-schema") \
    --output-dir pkg/generated \
    --output-pkg "${module}/pkg/generated" \
    --boilerplate "${boilerplate}" \
    pkg/apis

# Clients look schemas up by the models' names: see models-schema.
grep -rlZ 'dev\.kite\.kite\.pkg\.apis\.' pkg/generated/applyconfiguration |
    xargs -0 sed -i 's/dev\.kite\.kite\.pkg\.apis\./dev.kite./g'

# The reference of configuration files.
go run github.com/elastic/crd-ref-docs@v0.3.0 --log-level=ERROR --renderer=markdown \
    --source-path=pkg/apis/config --config=hack/reference/config.yaml --templates-dir=hack/reference \
    --output-path=docs/operator/configuration-reference.md

# What the server serves as OpenAPI, unless clients would break: the test says so then.
KITE_UPDATE_GOLDEN=1 go test -count=1 -run '^TestOpenAPIDocuments$' ./pkg/apiserver
