// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// +k8s:deepcopy-gen=package
// +k8s:defaulter-gen=TypeMeta
// +groupName=config.kite.dev

// Package v1alpha1 is the first version of the files that configure Kite's programs. They
// are read at start, and again when they change; no server serves them.
package v1alpha1
