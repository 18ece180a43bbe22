// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/component-base/featuregate"
	"k8s.io/component-base/logs"
	logsapi "k8s.io/component-base/logs/api/v1"
)

// Options is what the command line sets: where things are. What the program does is in the
// configuration file.
type Options struct {
	// Config is the configuration file; empty means the defaults.
	Config string
	// Kubeconfig is a file; empty means KUBECONFIG, then the pod's own account.
	Kubeconfig string

	Logs *logs.Options
	// Gates switches alpha parts on.
	Gates featuregate.MutableVersionedFeatureGate
}

// NewOptions returns the defaults.
func NewOptions() *Options {
	gates := featuregate.NewFeatureGate()
	utilruntime.Must(logsapi.AddFeatureGates(gates))
	return &Options{Logs: logs.NewOptions(), Gates: gates}
}

// Flags returns the flags in sections.
func (o *Options) Flags() cliflag.NamedFlagSets {
	var sections cliflag.NamedFlagSets

	sections.FlagSet("gateway").StringVar(&o.Config, "config", o.Config,
		"File of kind GatewayConfiguration (config.kite.dev/v1alpha1). Without it the defaults are used. It is read again when it changes.")
	sections.FlagSet("host cluster").StringVar(&o.Kubeconfig, "kubeconfig", o.Kubeconfig,
		"Path of a kubeconfig file, for the cluster's address and whom to trust. Without it the file that KUBECONFIG names is used, in a pod its service account.")

	logsapi.AddFlags(o.Logs, sections.FlagSet("logs"))
	o.Gates.AddFlag(sections.FlagSet("features"))
	return sections
}
