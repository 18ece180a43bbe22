// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// +k8s:deepcopy-gen=package
// +groupName=issues.kite.dev

// Package issues is the internal version of the issues API, which the server
// works with. What its fields mean is written in package v1alpha1.
package issues
