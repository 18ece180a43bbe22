// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"context"
	"fmt"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
)

// verbs are what an informer, and whoever looks at one object, needs.
var verbs = []string{"get", "list", "watch"}

// refusal says why a monitor may not watch, or nil. An error is no answer.
func (s *sources) refusal(ctx context.Context, w *watcher) (*metav1.Condition, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r := &w.spec.Resource
	served, err := s.served(ctx, r)
	switch {
	case err != nil:
		return nil, err
	case served == nil:
		return refused(issuesv1alpha1.ReasonKindMissing, fmt.Sprintf("The cluster serves no %s of kind %s in %s; it is waited for",
			r.Resource, r.Kind, schema.GroupVersion{Group: r.Group, Version: r.Version})), nil
	case !served.Namespaced:
		return refused(issuesv1alpha1.ReasonClusterScoped, fmt.Sprintf("Objects of kind %s have no namespace to report to", r.Kind)), nil
	}
	missing, err := s.missing(ctx, w.key.Namespace, r)
	if err != nil || len(missing) == 0 {
		return nil, err
	}
	return refused(issuesv1alpha1.ReasonRightMissing, grant(r, missing)), nil
}

func refused(reason, message string) *metav1.Condition {
	return &metav1.Condition{Status: metav1.ConditionFalse, Reason: reason, Message: message}
}

// served is nil where the cluster does not serve the resource.
func (s *sources) served(ctx context.Context, r *issuesv1alpha1.MonitoredResource) (*metav1.APIResource, error) {
	version := schema.GroupVersion{Group: r.Group, Version: r.Version}.String()
	list, err := s.clients.Discovery.ServerResourcesForGroupVersionWithContext(ctx, version)
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // see above
	}
	if err != nil {
		return nil, fmt.Errorf("ask what the cluster serves in %s: %w", version, err)
	}
	for i := range list.APIResources {
		if found := &list.APIResources[i]; found.Name == r.Resource && found.Kind == r.Kind {
			return found, nil
		}
	}
	return nil, nil //nolint:nilnil // see above
}

// missing are the verbs that the controller may not.
func (s *sources) missing(ctx context.Context, namespace string, r *issuesv1alpha1.MonitoredResource) ([]string, error) {
	var out []string
	for _, verb := range verbs {
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Namespace: namespace, Verb: verb, Group: r.Group, Version: r.Version, Resource: r.Resource,
			},
		}}
		answer, err := s.clients.Access.Create(ctx, review, metav1.CreateOptions{})
		if err != nil {
			return nil, fmt.Errorf("ask for the right to %s %s: %w", verb, r.Resource, err)
		}
		if !answer.Status.Allowed {
			out = append(out, verb)
		}
	}
	return out, nil
}

// grant is the command that gives the right.
func grant(r *issuesv1alpha1.MonitoredResource, missing []string) string {
	resource := schema.GroupResource{Group: r.Group, Resource: r.Resource}.String()
	role := "kite-monitor-sources-" + strings.ReplaceAll(resource, ".", "-")
	return fmt.Sprintf("kite-controllers may not %s %s. To grant it: kubectl create clusterrole %s --verb=%s --resource=%s"+
		" && kubectl label clusterrole %s kite.dev/aggregate-to-monitor-sources=true",
		strings.Join(missing, ", "), resource, role, strings.Join(verbs, ","), resource, role)
}
