// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package options

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// fakeHost serves these resources by group version, and answers 404 for others.
type fakeHost struct {
	served map[string][]string
	err    error
}

func (h fakeHost) ServerResourcesForGroupVersion(gv string) (*metav1.APIResourceList, error) {
	names, ok := h.served[gv]
	if !ok && h.err == nil {
		return nil, apierrors.NewNotFound(schema.GroupResource{}, gv)
	}
	list := &metav1.APIResourceList{GroupVersion: gv}
	for _, name := range names {
		list.APIResources = append(list.APIResources, metav1.APIResource{Name: name})
	}
	return list, h.err
}

func TestMatchHost(t *testing.T) {
	t.Parallel()
	validating := []string{"validatingadmissionpolicies", "validatingadmissionpolicybindings", "validatingwebhookconfigurations"}
	mutating := append([]string{"mutatingadmissionpolicies", "mutatingadmissionpolicybindings"}, validating...)
	flow := []string{"flowschemas", "prioritylevelconfigurations"}
	cases := map[string]struct {
		reason       string
		host         fakeHost
		enable       []string
		wantDisabled []string
		wantFairness bool
		wantErr      string
	}{
		"Newest": {
			reason:       "a host of 1.36 serves all",
			host:         fakeHost{served: map[string][]string{admissionGroupVersion: mutating, flowControlGroupVersion: flow}},
			wantFairness: true,
		},
		"Before136": {
			reason:       "MutatingAdmissionPolicy v1 came with 1.36",
			host:         fakeHost{served: map[string][]string{admissionGroupVersion: validating, flowControlGroupVersion: flow}},
			wantDisabled: []string{"MutatingAdmissionPolicy"},
			wantFairness: true,
		},
		"HalfServed": {
			reason: "a plugin waits for every resource that it watches",
			host: fakeHost{served: map[string][]string{
				admissionGroupVersion: append([]string{"mutatingadmissionpolicies"}, validating...), flowControlGroupVersion: flow[:1],
			}},
			wantDisabled: []string{"MutatingAdmissionPolicy"},
		},
		"Nothing": {
			reason:       "both group versions answer 404",
			wantDisabled: []string{"MutatingAdmissionPolicy", "ValidatingAdmissionPolicy"},
		},
		"Contradiction": {
			reason:  "a plugin that is asked for by name is not dropped in silence",
			enable:  []string{"MutatingAdmissionPolicy"},
			wantErr: "--enable-admission-plugins names MutatingAdmissionPolicy",
		},
		"Unreachable": {
			reason:  "an answer that did not come is not a no",
			host:    fakeHost{err: errors.New("connection refused")},
			wantErr: "connection refused",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := NewOptions()
			o.Admission.EnablePlugins = tc.enable
			err := o.matchHost(t.Context(), tc.host)
			if tc.wantErr != "" {
				require.ErrorContains(t, err, tc.wantErr, tc.reason)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.wantDisabled, o.Admission.DisablePlugins, tc.reason)
			require.Equal(t, tc.wantFairness, o.Features.EnablePriorityAndFairness, tc.reason)
		})
	}
}

func TestDefaultsAreValid(t *testing.T) {
	t.Parallel()
	o := NewOptions()
	o.CoreAPI.CoreAPIKubeconfigPath = "host.kubeconfig"
	o.Authorization.RemoteKubeConfigFile = "other.kubeconfig"
	o.Complete()
	require.Empty(t, o.Validate())
	require.Equal(t, "host.kubeconfig", o.Authentication.RemoteKubeConfigFile)
	require.Equal(t, "other.kubeconfig", o.Authorization.RemoteKubeConfigFile)
	require.Equal(t, 8443, o.SecureServing.BindPort)
	require.Equal(t, 1000, o.SecureServing.HTTP2MaxStreamsPerConnection)
}
