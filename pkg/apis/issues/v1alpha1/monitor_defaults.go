// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// SetDefaults_MonitoredResource guesses the plural of the kind. It is stored, so that the
// resource whose rights were asked for is the one that is watched.
//
//nolint:revive // the name by which defaulter-gen finds it
func SetDefaults_MonitoredResource(in *MonitoredResource) {
	if in.Resource != "" || in.Kind == "" {
		return
	}
	plural, _ := meta.UnsafeGuessKindToResource(schema.GroupVersionKind{Group: in.Group, Version: in.Version, Kind: in.Kind})
	in.Resource = plural.Resource
}
