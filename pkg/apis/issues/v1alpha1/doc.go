// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// +k8s:openapi-gen=true
// +k8s:deepcopy-gen=package
// +k8s:conversion-gen=kite.dev/kite/pkg/apis/issues
// +k8s:defaulter-gen=TypeMeta
// +k8s:validation-gen=TypesWithField=TypeMeta
// +k8s:openapi-model-package=dev.kite.issues.v1alpha1
// +groupName=issues.kite.dev

// Package v1alpha1 is the first version of the issues API: what is broken
// right now in a namespace, and what was.
package v1alpha1
