// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// podComment marks the rules that the bridge plugin writes for each pod; kite is
// the name of the network in kite.conflist.
const podComment = `name: "kite" id: `

// removeChains removes the chains that kubelet keeps, that the portmap plugin leaves
// when its last port is gone, and those of pods that ended without the runtime.
func (c *cluster) removeChains(ctx context.Context, program string) error {
	for _, table := range []string{"filter", "nat", "mangle"} {
		rules, err := exec.CommandContext(ctx, program, "-t", table, "-S").Output()
		if err != nil {
			return fmt.Errorf("list %s table %s: %w", program, table, err)
		}
		for _, args := range chainRemovals(strings.Split(string(rules), "\n")) {
			cmd := exec.CommandContext(ctx, program, append([]string{"-t", table}, args...)...)
			if err := c.logged("network", cmd); err != nil {
				return err
			}
		}
	}
	return nil
}

// chainRemovals turns iptables -S output into the commands that remove the cluster's
// chains: first the jumps to them, then their rules, then the chains.
func chainRemovals(lines []string) [][]string {
	var rules [][]string
	for _, line := range lines {
		if rule := splitRule(line); len(rule) >= 2 {
			rules = append(rules, rule)
		}
	}
	ours := clusterChains(rules)
	var jumps, flush, drop [][]string
	for _, rule := range rules {
		chain, target := rule[1], rule[len(rule)-1]
		switch {
		case rule[0] == "-N" && ours[chain]:
			flush = append(flush, []string{"-F", chain})
			drop = append(drop, []string{"-X", chain})
		case rule[0] == "-A" && !ours[chain] && ours[target]:
			jumps = append(jumps, append([]string{"-D"}, rule[1:]...))
		}
	}
	return slices.Concat(jumps, flush, drop)
}

func clusterChains(rules [][]string) map[string]bool {
	ours := make(map[string]bool)
	isPod := func(field string) bool { return strings.HasPrefix(field, podComment) }
	for _, rule := range rules {
		chain := rule[1]
		if strings.HasPrefix(chain, "KUBE-") || strings.HasPrefix(chain, "CNI-HOSTPORT-") {
			ours[chain] = true
		}
		if strings.HasPrefix(chain, "CNI-") && slices.ContainsFunc(rule, isPod) {
			ours[chain] = true
		}
	}
	return ours
}

// splitRule splits at spaces outside of double quotes, which iptables puts
// around comments; inside, a backslash keeps the next character as it is.
func splitRule(rule string) []string {
	var fields []string
	var field strings.Builder
	quoted, escaped := false, false
	for _, r := range rule + " " {
		switch {
		case escaped:
			field.WriteRune(r)
			escaped = false
		case r == '\\':
			escaped = true
		case r == '"':
			quoted = !quoted
		case r == ' ' && !quoted:
			if field.Len() > 0 {
				fields = append(fields, field.String())
				field.Reset()
			}
		default:
			field.WriteRune(r)
		}
	}
	return fields
}
