// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	_ "embed"
	"fmt"

	"sigs.k8s.io/yaml"
)

var (
	//go:embed rules.yaml
	builtInRules []byte
	//go:embed symptoms.yaml
	builtInSymptoms []byte
)

// SetDefaults_ControllersConfiguration sets the built-in rules where none are given.
func SetDefaults_ControllersConfiguration(c *ControllersConfiguration) { //nolint:revive // defaulter-gen wants this name
	if c.Rules == nil {
		c.Rules = BuiltInRules()
	}
}

// SetDefaults_GatewayConfiguration sets the built-in rules and symptoms where none are
// given.
func SetDefaults_GatewayConfiguration(c *GatewayConfiguration) { //nolint:revive // defaulter-gen wants this name
	if c.Rules == nil {
		c.Rules = BuiltInRules()
	}
	if c.Symptoms == nil {
		c.Symptoms = BuiltInSymptoms()
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

// BuiltInSymptoms are those of symptoms.yaml.
func BuiltInSymptoms() []SymptomRule {
	var symptoms []SymptomRule
	if err := yaml.UnmarshalStrict(builtInSymptoms, &symptoms); err != nil {
		panic(fmt.Sprintf("symptoms.yaml: %v", err)) // a test reads it
	}
	return symptoms
}
