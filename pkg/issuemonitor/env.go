// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuemonitor

import (
	"github.com/google/cel-go/cel"
	"k8s.io/apimachinery/pkg/util/version"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/environment"
)

// The variables of expressions.
const (
	variableObject = "object"
	variableOwner  = "owner"
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

// languageVersion is fixed, so that a server and a controller of different versions, on
// hosts of any version, know the same functions. Raising it only adds functions.
var languageVersion = version.MajorMinor(1, 36)

// newEnv returns the language of expressions. Making one takes milliseconds; it is shared
// by all monitors and never changes.
func newEnv() (*cel.Env, error) {
	ownerType := ownerDeclType()
	set, err := environment.MustBaseEnvSet(languageVersion).Extend(environment.VersionedOptions{
		IntroducedVersion: version.MajorMinor(1, 0),
		EnvOptions: []cel.EnvOption{
			cel.Variable(variableObject, cel.DynType),
			cel.Variable(variableOwner, ownerType.CelType()),
		},
		DeclTypes: []*apiservercel.DeclType{ownerType},
	}, environment.StrictCostOpt)
	if err != nil {
		return nil, err
	}
	return set.Env(environment.NewExpressions)
}

func ownerDeclType() *apiservercel.DeclType {
	fields := map[string]*apiservercel.DeclField{}
	for name := range (Owner{}).value() {
		fields[name] = apiservercel.NewDeclField(name, apiservercel.StringType, true, nil, nil)
	}
	return apiservercel.NewObjectType("kite.Owner", fields)
}
