// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package authorization

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// bySubject indexes RoleBindings by whom they bind.
const bySubject = "subject"

// Bindings know in which namespaces a user may have rights: those with a RoleBinding for
// him. ClusterRoleBindings tell nothing here, what they allow is allowed in all.
type Bindings struct {
	informer cache.SharedIndexInformer
}

// NewBindings returns Bindings that know nothing until Run is called.
func NewBindings(client kubernetes.Interface) (*Bindings, error) {
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTransform(keepSubjects))
	informer := factory.Rbac().V1().RoleBindings().Informer()
	err := informer.AddIndexers(cache.Indexers{bySubject: subjectKeys})
	if err != nil {
		return nil, fmt.Errorf("index RoleBindings: %w", err)
	}
	return &Bindings{informer: informer}, nil
}

// Run follows the RoleBindings until ctx ends.
func (b *Bindings) Run(ctx context.Context) { b.informer.RunWithContext(ctx) }

// Candidates returns the namespaces that bind the user or one of his groups to any role.
// It fails until all RoleBindings have been read.
func (b *Bindings) Candidates(u user.Info) ([]string, error) {
	if !b.informer.HasSynced() {
		return nil, errBindingsUnknown
	}
	keys := []string{subjectKey(rbacv1.UserKind, u.GetName())}
	for _, group := range u.GetGroups() {
		keys = append(keys, subjectKey(rbacv1.GroupKind, group))
	}
	found := map[string]struct{}{}
	for _, key := range keys {
		bindings, err := b.informer.GetIndexer().ByIndex(bySubject, key)
		if err != nil {
			return nil, fmt.Errorf("look up RoleBindings: %w", err)
		}
		for _, obj := range bindings {
			if binding, ok := obj.(*rbacv1.RoleBinding); ok {
				found[binding.Namespace] = struct{}{}
			}
		}
	}
	return slices.Collect(maps.Keys(found)), nil
}

var errBindingsUnknown = errors.New("the host cluster's RoleBindings have not been read yet")

// keepSubjects drops what candidates do not need: a cluster may have 100,000 RoleBindings.
func keepSubjects(obj any) (any, error) {
	binding, ok := obj.(*rbacv1.RoleBinding)
	if !ok {
		return obj, nil
	}
	return &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: binding.Namespace, Name: binding.Name, UID: binding.UID, ResourceVersion: binding.ResourceVersion,
		},
		Subjects: binding.Subjects,
	}, nil
}

// subjectKeys names a service account as the user that it is to the authorizer.
func subjectKeys(obj any) ([]string, error) {
	binding, ok := obj.(*rbacv1.RoleBinding)
	if !ok {
		return nil, fmt.Errorf("want a RoleBinding, got %T", obj)
	}
	keys := make([]string, 0, len(binding.Subjects))
	for _, subject := range binding.Subjects {
		if subject.Kind != rbacv1.ServiceAccountKind {
			keys = append(keys, subjectKey(subject.Kind, subject.Name))
			continue
		}
		namespace := subject.Namespace
		if namespace == "" {
			namespace = binding.Namespace
		}
		keys = append(keys, subjectKey(rbacv1.UserKind, serviceaccount.MakeUsername(namespace, subject.Name)))
	}
	return keys, nil
}

func subjectKey(kind, name string) string { return kind + "/" + name }
