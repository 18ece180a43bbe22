// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// What begins the source of an issue that a monitor reported.
const (
	prefixMonitor        = "IssueMonitor/"
	prefixClusterMonitor = "ClusterIssueMonitor/"
)

// sourceOf is what the issues of a monitor name as their source. A key without namespace
// is a ClusterIssueMonitor's.
func sourceOf(key types.NamespacedName) string {
	if key.Namespace == "" {
		return prefixClusterMonitor + key.Name
	}
	return prefixMonitor + key.Namespace + "/" + key.Name
}

// monitorOf reads what sourceOf writes.
func monitorOf(source string) (types.NamespacedName, bool) {
	if name, ok := strings.CutPrefix(source, prefixClusterMonitor); ok {
		return types.NamespacedName{Name: name}, name != ""
	}
	rest, ok := strings.CutPrefix(source, prefixMonitor)
	namespace, name, found := strings.Cut(rest, "/")
	return types.NamespacedName{Namespace: namespace, Name: name}, ok && found && namespace != "" && name != ""
}
