// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package options

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/admission/plugin/resourcequota"
	quotaapi "k8s.io/apiserver/pkg/quota/v1"
	quota "k8s.io/apiserver/pkg/quota/v1/generic"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apiserver"
)

// AdmissionOptions are upstream's, and enforce the host cluster's ResourceQuotas: an
// aggregated server does not by itself, although the host counts its objects.
type AdmissionOptions struct {
	*genericoptions.AdmissionOptions
}

// NewAdmissionOptions enables upstream's plugins and ResourceQuota.
func NewAdmissionOptions() *AdmissionOptions {
	o := genericoptions.NewAdmissionOptions()
	resourcequota.Register(o.Plugins)
	// Last, as in kube-apiserver: nothing is charged for what another plugin refuses.
	o.RecommendedPluginOrder = append(o.RecommendedPluginOrder, resourcequota.PluginName)
	return &AdmissionOptions{o}
}

// ApplyTo builds the chain of plugins. The authorizer must be set.
func (o *AdmissionOptions) ApplyTo(cfg *apiserver.Config, client kubernetes.Interface, dynamicClient dynamic.Interface) error {
	o.Decorators = append(o.Decorators, admission.DecoratorFunc(func(plugin admission.Interface, name string) admission.Interface {
		if name == resourcequota.PluginName {
			cfg.Quota = plugin
		}
		return plugin
	}))
	generic := cfg.Generic
	return o.AdmissionOptions.ApplyTo(&generic.Config, generic.SharedInformerFactory, client, dynamicClient,
		utilfeature.DefaultFeatureGate, generic.EffectiveVersion, countObjects{})
}

// countObjects makes the quota plugin count the objects of every resource that is stored.
type countObjects struct{}

func (countObjects) Initialize(plugin admission.Interface) {
	if wants, ok := plugin.(initializer.WantsQuotaConfiguration); ok {
		wants.SetQuotaConfiguration(newQuotaConfiguration())
	}
}

func newQuotaConfiguration() quotaapi.Configuration {
	return quota.NewConfiguration(nil, map[schema.GroupResource]struct{}{issues.Resource("issuereports"): {}})
}
