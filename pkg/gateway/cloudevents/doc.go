// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package cloudevents takes events of Kubernetes as CloudEvents, in binary and structured
// mode and in batches: a Warning with a known symptom is a failure of a workload, a Normal
// event that ends one a recovery. All others are skipped.
package cloudevents
