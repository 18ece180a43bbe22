// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/version"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/component-base/compatibility"
	baseversion "k8s.io/component-base/version"
)

// Components holds the version of the Kubernetes libraries and their feature gates, which
// flags change. Upstream's global registry takes the program's own version for the
// libraries': a kite-apiserver 0.1 would emulate Kubernetes 0.1 and not start.
var Components = newComponents()

func newComponents() compatibility.ComponentGlobalsRegistry {
	libraries := version.MustParse(baseversion.DefaultKubeBinaryVersion)
	floor := libraries.SubtractMinor(3)
	registry := compatibility.NewComponentGlobalsRegistry()
	utilruntime.Must(registry.Register(compatibility.DefaultKubeComponent,
		compatibility.NewEffectiveVersion(libraries, false, floor, floor), utilfeature.DefaultMutableFeatureGate))
	return registry
}
