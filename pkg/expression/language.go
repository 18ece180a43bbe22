// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"
	"k8s.io/apimachinery/pkg/util/version"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/cel/library"
)

// languageVersion is fixed, so that a server and a controller of different versions, on
// hosts of any version, know the same functions. Raising it only adds functions.
var languageVersion = version.MajorMinor(1, 36)

// Language is what expressions are written in: Kubernetes' CEL with variables. It can be
// used concurrently.
type Language struct{ env *cel.Env }

// NewLanguage returns a language with variables of the given types, of which those that
// are objects are declared in types. Making one takes milliseconds.
func NewLanguage(variables map[string]*cel.Type, types ...*apiservercel.DeclType) (*Language, error) {
	options := environment.VersionedOptions{
		IntroducedVersion: version.MajorMinor(1, 0), DeclTypes: types,
		EnvOptions: []cel.EnvOption{parseJSON, ext.Bindings(ext.BindingsVersion(0))},
		ProgramOptions: []cel.ProgramOption{
			cel.CostTracking(estimator{&library.CostEstimator{}}), cel.CustomDecoratorV2(charge),
		},
	}
	for name, kind := range variables {
		options.EnvOptions = append(options.EnvOptions, cel.Variable(name, kind))
	}
	set, err := environment.MustBaseEnvSet(languageVersion).Extend(options)
	if err != nil {
		return nil, err
	}
	env, err := set.Env(environment.NewExpressions)
	if err != nil {
		return nil, err
	}
	if env, err = guard(env); err != nil {
		return nil, err
	}
	return &Language{env}, nil
}
