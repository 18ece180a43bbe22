// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package workload has the objects that the benchmarks write: about 1.5 KB each, the
// size that the targets are set for.
package workload

import (
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apiserver/pkg/apis/example"
	examplev1 "k8s.io/apiserver/pkg/apis/example/v1"
	"k8s.io/apiserver/pkg/storage/value/encrypt/identity"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/install"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	rules "kite.dev/kite/pkg/issue"
	"kite.dev/kite/pkg/registry/issues/issue"
	"kite.dev/kite/pkg/storage/postgres"
)

// Kind is a resource that benchmarks write.
type Kind struct {
	Name        string
	Projections []*postgres.Projection
	Store       postgres.StoreConfig
	// Make returns the object of a number, and its key.
	Make func(i int) (key string, obj runtime.Object)
	// Touch changes an object in place, as an update of its status does.
	Touch func(obj runtime.Object)
}

// Kinds are Plain and Issue.
func Kinds() []Kind { return []Kind{Plain(), Issue()} }

// Plain is a kind without projection and claim.
func Plain() Kind {
	return Kind{
		Name: "plain",
		Store: postgres.StoreConfig{
			GroupResource: schema.GroupResource{Resource: "pods"}, Prefix: "/pods/", Codec: podCodec(),
			Transformer: identity.NewEncryptCheckTransformer(),
			NewFunc:     func() runtime.Object { return &example.Pod{} },
			NewListFunc: func() runtime.Object { return &example.PodList{} },
		},
		Make: func(i int) (string, runtime.Object) {
			name := fmt.Sprintf("pod-%08d", i)
			return "/pods/bench/" + name, &example.Pod{ObjectMeta: metav1.ObjectMeta{
				Name: name, Namespace: "bench", UID: types.UID(name),
				Annotations: map[string]string{"padding": strings.Repeat("x", 1300)},
			}}
		},
		Touch: func(obj runtime.Object) { obj.(*example.Pod).Generation++ },
	}
}

func podCodec() runtime.Codec {
	scheme := runtime.NewScheme()
	metav1.AddToGroupVersion(scheme, metav1.SchemeGroupVersion)
	utilruntime.Must(example.AddToScheme(scheme))
	utilruntime.Must(examplev1.AddToScheme(scheme))
	return postgres.NewCodec(scheme, examplev1.SchemeGroupVersion)
}

// Issue is the kind with everything: a projection of its fields, and a claim.
func Issue() Kind {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	resource := issue.Resource(issue.Config{})
	return Kind{
		Name:        "issue",
		Projections: []*postgres.Projection{resource.Projection},
		Store: postgres.StoreConfig{
			GroupResource: issues.Resource("issues"), Prefix: "/issues.kite.dev/issues/",
			Codec:       postgres.NewCodec(scheme, v1alpha1.SchemeGroupVersion),
			Transformer: identity.NewEncryptCheckTransformer(),
			NewFunc:     func() runtime.Object { return &issues.Issue{} },
			NewListFunc: func() runtime.Object { return &issues.IssueList{} },
			Claim:       resource.Claim, ClaimRefused: resource.ClaimRefused, Projection: resource.Projection,
		},
		Make: func(i int) (string, runtime.Object) {
			obj := newIssue(i)
			return "/issues.kite.dev/issues/bench/" + obj.Name, obj
		},
		Touch: func(obj runtime.Object) { obj.(*issues.Issue).Status.Occurrences++ },
	}
}

// newIssue is a problem of its own for each number.
func newIssue(i int) *issues.Issue {
	name := fmt.Sprintf("build-component-%08d", i)
	obj := &issues.Issue{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "bench", UID: types.UID(name)},
		Spec: issues.IssueSpec{
			Title:       "Build of component " + name + " failed: task compile, step compile exited with code 3",
			Description: strings.Repeat("the compiler said something. ", 10),
			Type:        "build", Severity: issues.SeverityMajor, Application: "shop", Component: name,
			Scope: issues.IssueScope{APIGroup: "appstudio.redhat.com", Kind: "Component", Name: name},
			Stage: issues.StagePush,
		},
	}
	rules.PrepareCreate(obj, "bench", time.Unix(1_795_000_000, 0))
	return obj
}
