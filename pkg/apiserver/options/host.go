// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package options

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	mutatingpolicy "k8s.io/apiserver/pkg/admission/plugin/policy/mutating"
	validatingpolicy "k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/klog/v2"
)

const (
	admissionGroupVersion   = "admissionregistration.k8s.io/v1"
	flowControlGroupVersion = "flowcontrol.apiserver.k8s.io/v1"
)

// requirement is what a part of the server watches in the host cluster. On a host
// that does not serve it the part would wait for ever, and refuse every request.
type requirement struct {
	part         string
	groupVersion string
	resources    []string
	disable      func(*Options) error
}

var requirements = []requirement{
	{
		part:         "admission plugin " + mutatingpolicy.PluginName,
		groupVersion: admissionGroupVersion,
		resources:    []string{"mutatingadmissionpolicies", "mutatingadmissionpolicybindings"},
		disable:      func(o *Options) error { return o.disablePlugin(mutatingpolicy.PluginName) },
	},
	{
		part:         "admission plugin " + validatingpolicy.PluginName,
		groupVersion: admissionGroupVersion,
		resources:    []string{"validatingadmissionpolicies", "validatingadmissionpolicybindings"},
		disable:      func(o *Options) error { return o.disablePlugin(validatingpolicy.PluginName) },
	},
	{
		part:         "priority and fairness",
		groupVersion: flowControlGroupVersion,
		resources:    []string{"flowschemas", "prioritylevelconfigurations"},
		disable: func(o *Options) error {
			o.Features.EnablePriorityAndFairness = false
			return nil
		},
	},
}

// resourceLister is the part of discovery that matchHost needs.
type resourceLister interface {
	ServerResourcesForGroupVersion(groupVersion string) (*metav1.APIResourceList, error)
}

// matchHost switches off what the host cluster is too old for, with a log line each.
func (o *Options) matchHost(ctx context.Context, host resourceLister) error {
	served := map[string][]string{}
	for _, gv := range []string{admissionGroupVersion, flowControlGroupVersion} {
		names, err := servedResources(host, gv)
		if err != nil {
			return fmt.Errorf("ask the host cluster which resources of %s it serves: %w", gv, err)
		}
		served[gv] = names
	}
	for _, r := range requirements {
		missing := slices.DeleteFunc(slices.Clone(r.resources), func(name string) bool {
			return slices.Contains(served[r.groupVersion], name)
		})
		if len(missing) == 0 {
			continue
		}
		if err := r.disable(o); err != nil {
			return err
		}
		klog.FromContext(ctx).Info("Switched off what the host cluster is too old for",
			"part", r.part, "groupVersion", r.groupVersion, "missing", strings.Join(missing, ","))
	}
	return nil
}

func servedResources(host resourceLister, groupVersion string) ([]string, error) {
	list, err := host.ServerResourcesForGroupVersion(groupVersion)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(list.APIResources))
	for _, resource := range list.APIResources {
		names = append(names, resource.Name)
	}
	return names, nil
}

// disablePlugin refuses what would contradict a flag: upstream lets enabling win.
func (o *Options) disablePlugin(name string) error {
	if slices.Contains(o.Admission.EnablePlugins, name) {
		return fmt.Errorf("--enable-admission-plugins names %s, which the host cluster is too old for", name)
	}
	if !slices.Contains(o.Admission.DisablePlugins, name) {
		o.Admission.DisablePlugins = append(o.Admission.DisablePlugins, name)
	}
	return nil
}
