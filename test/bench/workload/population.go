// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"
	"time"

	"github.com/google/uuid"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/install"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	rules "kite.dev/kite/pkg/issue"
	"kite.dev/kite/pkg/registry/issues/issue"
	"kite.dev/kite/pkg/storage/postgres"
)

const (
	// PerNamespace is how many issues each namespace of a population has.
	PerNamespace = 1000
	// activeEach is one of how many issues that is Active.
	activeEach = 10
)

// author writes every issue.
const author = "system:serviceaccount:kite-system:kite-controllers"

// Population is what the namespaces of an organisation hold. Issue i is the same one each time, but for its times. Neighbours in i are of
// different namespaces, as they come in life; all namespaces look alike, so that one costs
// what any other does.
type Population struct {
	Namespaces int
	// Now is the end of the week in which the issues were opened.
	Now time.Time
}

// Size is how many issues there are.
func (p Population) Size() int { return p.Namespaces * PerNamespace }

// Namespace returns the name of namespace n.
func (p Population) Namespace(n int) string { return fmt.Sprintf("team-%04d", n) }

// NamespaceUID is the UID of each namespace by its name.
func NamespaceUID(namespace string) string { return "uid-of-" + namespace }

// Number is i of the nth issue of a namespace.
func (p Population) Number(namespace, n int) int { return n*p.Namespaces + namespace }

// Active says whether the nth issue of each namespace is.
func Active(n int) bool { return n%activeEach == 0 }

// Kind is Issue with history by the UIDs of namespaces. It makes the population's issues.
func (p Population) Kind() Kind {
	kind := Issue()
	resource := issue.Resource(issue.Config{NamespaceUIDs: NamespaceUID})
	kind.Projections = []*postgres.Projection{resource.Projection}
	kind.Store.Projection = resource.Projection
	kind.Make = func(i int) (string, runtime.Object) {
		obj := p.Issue(i)
		return issue.KeyPrefix + obj.Namespace + "/" + obj.Name, obj
	}
	return kind
}

// Issue makes issue i by the rules by which the server makes it of a create, and of a
// verb for most.
func (p Population) Issue(i int) *issues.Issue {
	failed := internal(p.Failure(i))
	opened := failed.Spec.ObservedAt.Time
	made := &issues.Issue{Spec: issues.IssueSpec(failed.Spec.Issue)}
	made.Namespace, made.Name = failed.Namespace, rules.IdentityOfReport(failed).Names()[0]
	made.UID = types.UID(uuid.NewSHA1(uuid.Nil, []byte(made.Namespace+"/"+made.Name)).String())
	made.CreationTimestamp = metav1.NewTime(opened.Truncate(time.Second))
	rules.PrepareCreate(made, author, opened)
	if n := i / p.Namespaces; !Active(n) {
		made, _ = rules.Resolve(made, author, &issues.IssueResolution{}, p.resolved(n, opened))
	}
	return made
}

// resolved is five minutes to seven hours after an issue was opened, and not after Now.
func (p Population) resolved(n int, opened time.Time) time.Time {
	at := opened.Add(time.Duration(5+n*7919%400) * time.Minute)
	if at.After(p.Now) {
		return p.Now
	}
	return at
}

var scheme = func() *runtime.Scheme {
	out := runtime.NewScheme()
	install.Install(out)
	return out
}()

func internal(report *v1alpha1.IssueReport) *issues.IssueReport {
	out := &issues.IssueReport{}
	utilruntime.Must(scheme.Convert(report, out, nil))
	return out
}
