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
	in.Resource = GuessResource(in.Kind)
}

// GuessResource is the English plural of a kind, in lower case: deployments for Deployment.
func GuessResource(kind string) string {
	plural, _ := meta.UnsafeGuessKindToResource(schema.GroupVersionKind{Kind: kind})
	return plural.Resource
}
