// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupName is the name of the group of configuration files.
const GroupName = "config.kite.dev"

// SchemeGroupVersion is the group and version of the kinds in this package.
var SchemeGroupVersion = schema.GroupVersion{Group: GroupName, Version: "v1alpha1"}

var (
	// SchemeBuilder collects what AddToScheme registers: the kinds and their defaults.
	SchemeBuilder = runtime.NewSchemeBuilder(addKnownTypes, addDefaults)
	// AddToScheme registers this version with a scheme.
	AddToScheme = SchemeBuilder.AddToScheme
)

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(SchemeGroupVersion, &ControllersConfiguration{}, &GatewayConfiguration{})
	return nil
}

func addDefaults(scheme *runtime.Scheme) error { return RegisterDefaults(scheme) }
