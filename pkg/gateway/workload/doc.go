// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package workload tells of what alerts and events speak: of which workload, and of which
// symptom. What monitors, alerts and events say of one workload meets in one issue, of type
// runtime, with the workload that owns all others as scope and the symptom as key.
package workload
