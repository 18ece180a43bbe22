// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package alertmanager takes notifications of Prometheus' Alertmanager, version 4 of its
// webhook: each firing alert is a failure of a workload, each resolved one a recovery.
//
// An alert's namespace is its label namespace: everybody can write exported_namespace into
// metrics, which counts only where an operator says so. Alerts without one concern no team
// and are skipped. The workload comes from labels, the key of the issue
// from the table of symptoms, the observation's identity from fingerprint and start.
package alertmanager
