// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	_ "embed"
	"fmt"

	"sigs.k8s.io/yaml"
)

//go:embed rules.yaml
var builtInRules []byte

// SetDefaults_ControllersConfiguration sets the built-in rules where none are given.
func SetDefaults_ControllersConfiguration(c *ControllersConfiguration) { //nolint:revive // defaulter-gen wants this name
	if c.Rules == nil {
		c.Rules = BuiltInRules()
	}
}

// SetDefaults_GatewayConfiguration sets the built-in rules where none are given.
func SetDefaults_GatewayConfiguration(c *GatewayConfiguration) { //nolint:revive // defaulter-gen wants this name
	if c.Rules == nil {
		c.Rules = BuiltInRules()
	}
}

// BuiltInRules are those of rules.yaml.
func BuiltInRules() *ReportRules {
	rules := &ReportRules{}
	if err := yaml.UnmarshalStrict(builtInRules, rules); err != nil {
		panic(fmt.Sprintf("rules.yaml: %v", err)) // a test reads it
	}
	return rules
}
