// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
)

// TestOlderHosts runs Kite behind kube-apiservers that lack what newer ones serve, and
// what Kite's libraries would wait for.
func TestOlderHosts(t *testing.T) {
	t.Parallel()
	h := asked(t, started)
	if !h.own {
		t.Skip("only a cluster that this machine made can run a second kube-apiserver")
	}
	const group = "admissionregistration.k8s.io/v1/"
	for name, tc := range map[string]struct {
		reason string
		flags  []string
		off    []string
	}{
		"Emulated": {
			reason: "as old as today's kube-apiserver can be; MutatingAdmissionPolicy v1 came with 1.36",
			flags:  []string{"--emulated-version=1.33"},
			off:    []string{"admission plugin MutatingAdmissionPolicy"},
		},
		"Bare": {
			reason: "nothing that can be switched off is served",
			flags: []string{
				"--runtime-config=" + strings.Join([]string{
					group + "mutatingadmissionpolicies=false", group + "mutatingadmissionpolicybindings=false",
					group + "validatingadmissionpolicies=false", group + "validatingadmissionpolicybindings=false",
					"flowcontrol.apiserver.k8s.io/v1=false",
				}, ","),
				"--disable-admission-plugins=MutatingAdmissionPolicy,ValidatingAdmissionPolicy",
				"--enable-priority-and-fairness=false",
			},
			off: []string{
				"admission plugin MutatingAdmissionPolicy", "admission plugin ValidatingAdmissionPolicy", "priority and fairness",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			older := h.second(t, tc.flags...)
			log := older.serve(t)
			m := older.team(t, "cluster-admin")
			requireAtOnce(t, m)
			requireWebhooks(t, m)
			content, err := os.ReadFile(log)
			require.NoError(t, err)
			for _, part := range tc.off {
				require.Equal(t, 1, strings.Count(string(content), fmt.Sprintf("too old for\" part=%q", part)), "%s: %s", tc.reason, part)
			}
			require.Equal(t, len(tc.off), strings.Count(string(content), "Switched off"), tc.reason)
		})
	}
}

// requireAtOnce does what everybody does. A part that waits for what the host does not
// serve refuses the first write.
func requireAtOnce(t *testing.T, m *team) {
	t.Helper()
	client := m.issues(t)
	list, err := client.List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	events, err := client.Watch(t.Context(), metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	require.NoError(t, err)
	defer events.Stop()
	create(t, m, "backend")
	_, err = client.Patch(t.Context(), "backend", types.MergePatchType, []byte(`{"spec":{"severity":"info"}}`), metav1.PatchOptions{})
	require.NoError(t, err)
	for _, want := range []watch.EventType{watch.Added, watch.Modified} {
		event := next(t, events)
		require.Equal(t, want, event.Type)
		require.Equal(t, "backend", nameOf(t, event))
	}
	list, err = client.List(t.Context(), metav1.ListOptions{FieldSelector: "spec.severity=info"})
	require.NoError(t, err)
	require.Len(t, list.Items, 1)
	stranger := rest.AnonymousClientConfig(m.developer)
	_, err = clientFor(t, stranger).IssuesV1alpha1().Issues(m.namespace).List(t.Context(), metav1.ListOptions{})
	require.True(t, apierrors.IsForbidden(err), "the host decides who may: %v", err)
}
