// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuemonitor

import (
	"github.com/google/cel-go/cel"
	apiservercel "k8s.io/apiserver/pkg/cel"

	"kite.dev/kite/pkg/expression"
)

// The variables of expressions.
const (
	variableObject = "object"
	variableOwner  = "owner"
	variableItem   = "item"
	variableTable  = "table"
)

// Owner is the resource at the end of an object's chain of controllers, or the object
// itself where it has none.
type Owner struct {
	APIGroup string
	Kind     string
	Name     string
	UID      string
}

func (o Owner) value() map[string]any {
	return map[string]any{"apiGroup": o.APIGroup, "kind": o.Kind, "name": o.Name, "uid": o.UID}
}

// newLanguage knows the variable item only for monitors that say what its values are.
func newLanguage(items bool) (*expression.Language, error) {
	owner := ownerDeclType()
	variables := map[string]*cel.Type{
		variableObject: cel.DynType, variableOwner: owner.CelType(),
		variableTable: cel.MapType(cel.StringType, cel.MapType(cel.StringType, cel.StringType)),
	}
	if items {
		variables[variableItem] = cel.DynType
	}
	return expression.NewLanguage(variables, owner)
}

func ownerDeclType() *apiservercel.DeclType {
	fields := map[string]*apiservercel.DeclField{}
	for name := range (Owner{}).value() {
		fields[name] = apiservercel.NewDeclField(name, apiservercel.StringType, true, nil, nil)
	}
	return apiservercel.NewObjectType("kite.Owner", fields)
}
