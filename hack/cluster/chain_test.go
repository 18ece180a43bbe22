// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

func TestChainRemovals(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		reason string
		rules  []string
		want   [][]string
	}{
		"Foreign": {
			reason: "chains of other programs stay",
			rules:  []string{"-P INPUT ACCEPT", "-N DOCKER", "-A FORWARD -j DOCKER", ""},
		},
		"Jump": {
			reason: "a chain can be removed only after the jump to it and its own rules",
			rules: []string{
				"-P INPUT ACCEPT",
				"-N KUBE-FIREWALL",
				`-A INPUT -m comment --comment "kubernetes firewall" -j KUBE-FIREWALL`,
				"-A KUBE-FIREWALL -j DROP",
			},
			want: [][]string{
				{"-D", "INPUT", "-m", "comment", "--comment", "kubernetes firewall", "-j", "KUBE-FIREWALL"},
				{"-F", "KUBE-FIREWALL"},
				{"-X", "KUBE-FIREWALL"},
			},
		},
		"Between": {
			reason: "jumps from one of our chains to another go away with the rules",
			rules:  []string{"-N KUBE-A", "-N CNI-HOSTPORT-DNAT", "-A KUBE-A -j CNI-HOSTPORT-DNAT"},
			want: [][]string{
				{"-F", "KUBE-A"},
				{"-F", "CNI-HOSTPORT-DNAT"},
				{"-X", "KUBE-A"},
				{"-X", "CNI-HOSTPORT-DNAT"},
			},
		},
		"Pod": {
			reason: "a pod's chain is known by the name of the network in its comments",
			rules: []string{
				"-N CNI-aa",
				"-N CNI-bb",
				`-A POSTROUTING -s 10.244.0.4/32 -m comment --comment "name: \"kite\" id: \"aa\"" -j CNI-aa`,
				`-A POSTROUTING -s 10.9.0.4/32 -m comment --comment "name: \"other\" id: \"bb\"" -j CNI-bb`,
				`-A CNI-aa -d 10.244.0.0/16 -m comment --comment "name: \"kite\" id: \"aa\"" -j ACCEPT`,
				`-A CNI-bb -d 10.9.0.0/16 -m comment --comment "name: \"other\" id: \"bb\"" -j ACCEPT`,
			},
			want: [][]string{
				{"-D", "POSTROUTING", "-s", "10.244.0.4/32", "-m", "comment", "--comment", `name: "kite" id: "aa"`, "-j", "CNI-aa"},
				{"-F", "CNI-aa"},
				{"-X", "CNI-aa"},
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, cmp.Diff(tc.want, chainRemovals(tc.rules)), tc.reason)
		})
	}
}
