// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package apiserver is the aggregated API server: k8s.io/apiserver with Kite's API
// groups on PostgreSQL. A [Config] becomes a [Server], which runs until its context
// ends; tests and other programs embed it the same way as cmd/apiserver does.
package apiserver
