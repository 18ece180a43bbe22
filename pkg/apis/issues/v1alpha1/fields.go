// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
)

// Field labels of Issue that select by what an issue's object holds under the
// same path.
const (
	FieldType           = "spec.type"
	FieldSeverity       = "spec.severity"
	FieldStage          = "spec.stage"
	FieldKey            = "spec.key"
	FieldApplication    = "spec.application"
	FieldComponent      = "spec.component"
	FieldGroupKey       = "spec.groupKey"
	FieldOrigin         = "spec.origin"
	FieldScopeKind      = "spec.scope.kind"
	FieldScopeName      = "spec.scope.name"
	FieldScopeNamespace = "spec.scope.namespace"
	FieldState          = "status.state"
)

// Field labels of Issue that are no path in the object.
const (
	// FieldRunName selects the issues that keep a run of this name in
	// status.runs.
	FieldRunName = "run.name"
	// FieldRunUID selects the issues that keep a run of this UID in
	// status.runs.
	FieldRunUID = "run.uid"
	// FieldSearch selects the issues whose title or description contains
	// the text, whatever its case.
	FieldSearch = "search"
)

var issueFields = []string{
	"metadata.name", "metadata.namespace",
	FieldType, FieldSeverity, FieldStage, FieldKey,
	FieldApplication, FieldComponent, FieldGroupKey, FieldOrigin,
	FieldScopeKind, FieldScopeName, FieldScopeNamespace,
	FieldState, FieldRunName, FieldRunUID, FieldSearch,
}

// FieldGroupSeverity is the field label that selects groups by severity. Groups know
// FieldState, too.
const FieldGroupSeverity = "status.severity"

var groupFields = []string{"metadata.name", FieldState, FieldGroupSeverity}

func addFieldLabels(scheme *runtime.Scheme) error {
	for kind, convert := range map[string]runtime.FieldLabelConversionFunc{
		"Issue": convertIssueField, "VisibleIssue": convertIssueField, "IssueGroup": convertGroupField,
	} {
		if err := scheme.AddFieldLabelConversionFunc(SchemeGroupVersion.WithKind(kind), convert); err != nil {
			return err
		}
	}
	return nil
}

func convertGroupField(label, value string) (string, string, error) {
	if !slices.Contains(groupFields, label) {
		return "", "", fmt.Errorf("%q is not a known field selector of issuegroups; known are %q", label, groupFields)
	}
	return label, value, nil
}

// convertIssueField passes known labels on: the internal version has the same.
func convertIssueField(label, value string) (string, string, error) {
	if !slices.Contains(issueFields, label) {
		return "", "", fmt.Errorf("%q is not a known field selector of issues; known are %q", label, issueFields)
	}
	return label, value, nil
}
