// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/registry/issues/issue"
	"kite.dev/kite/pkg/registry/issues/issuegroup"
	"kite.dev/kite/pkg/registry/issues/issuegroupreport"
	"kite.dev/kite/pkg/registry/issues/issuemonitor"
	"kite.dev/kite/pkg/registry/issues/issuereport"
	"kite.dev/kite/pkg/registry/issues/issuesummary"
	"kite.dev/kite/pkg/registry/issues/issuewebhook"
	"kite.dev/kite/pkg/registry/issues/visibleissue"
	"kite.dev/kite/pkg/storage/postgres"
)

// projections are the tables that speed up selectors, of all groups.
func projections() []*postgres.Projection {
	return []*postgres.Projection{issue.Projection()}
}

// resources are the resources that the database keeps, of all groups.
func resources(issuesConfig issue.Config) map[schema.GroupResource]postgres.Resource {
	return map[schema.GroupResource]postgres.Resource{
		issues.Resource("issues"):               issue.Resource(issuesConfig),
		issues.Resource("issuemonitors"):        {},
		issues.Resource("clusterissuemonitors"): {},
		issues.Resource("issuewebhooks"):        {},
	}
}

// StoredResources are the resources that the database keeps, by name.
func StoredResources() []schema.GroupResource {
	return slices.SortedFunc(maps.Keys(resources(issue.Config{})), func(a, b schema.GroupResource) int {
		return cmp.Compare(a.String(), b.String())
	})
}

// restOptions lead to the storage of every resource of the group issues.kite.dev.
func (c CompletedConfig) restOptions(engine *postgres.Engine) *postgres.RESTOptionsGetter {
	return &postgres.RESTOptionsGetter{
		Engine:       engine,
		Codec:        postgres.NewCodec(Scheme, v1alpha1.SchemeGroupVersion),
		Resources:    resources(c.issues),
		Transformers: c.generic.ResourceTransformers,
		CountTracker: c.generic.StorageObjectCountTracker,
	}
}

// issuesStorage is the storage of issues.
func (c CompletedConfig) issuesStorage(engine *postgres.Engine) (issue.Storage, error) {
	storage, err := issue.NewStorage(Scheme, c.restOptions(engine), engine, c.issues, c.generic.Authorization.Authorizer, c.clock)
	if err != nil {
		return issue.Storage{}, fmt.Errorf("prepare the storage of issues: %w", err)
	}
	return storage, nil
}

// issuesGroup is everything that the group issues.kite.dev serves.
func (c CompletedConfig) issuesGroup(
	storage issue.Storage, engine *postgres.Engine, producers *issuesummary.Producers,
) *genericapiserver.APIGroupInfo {
	reports := issuereport.NewREST(Scheme, storage.Issue, engine, c.generic.Authorization.Authorizer, c.quota, c.clock)
	group := genericapiserver.NewDefaultAPIGroupInfo(v1alpha1.GroupName, Scheme, metav1.ParameterCodec, Codecs)
	group.VersionedResourcesStorageMap[v1alpha1.SchemeGroupVersion.Version] = map[string]rest.Storage{
		"issues":             storage.Issue,
		"issues/status":      storage.Status,
		"issues/resolve":     storage.Resolve,
		"issues/reopen":      storage.Reopen,
		"issues/acknowledge": storage.Acknowledge,
		"issues/group":       issuegroup.NewCountsREST(storage.Issue, c.clock),
		"issuereports":       issuesummary.NewReports(reports, producers),
		"issuegroups":        issuegroup.NewREST(storage.Issue, engine, c.clock),
		"issuegroupreports":  issuegroupreport.NewREST(Scheme, storage.Issue, reports, c.clock),
		"visibleissues":      visibleissue.NewREST(storage.Issue.Store, c.rights, c.candidates, c.clock),
		"issuesummaries":     issuesummary.NewREST(engine, c.issues.NamespaceUIDs, c.clock),
	}
	return &group
}

// addMonitors adds the monitors of both kinds to what the group serves.
func (c CompletedConfig) addMonitors(group *genericapiserver.APIGroupInfo, engine *postgres.Engine) error {
	options, authorizer := c.restOptions(engine), c.generic.Authorization.Authorizer
	namespaced, err := issuemonitor.NewStorage(Scheme, options, authorizer, c.clock)
	if err != nil {
		return err
	}
	cluster, err := issuemonitor.NewClusterStorage(Scheme, options, authorizer, c.clock)
	if err != nil {
		return err
	}
	served := group.VersionedResourcesStorageMap[v1alpha1.SchemeGroupVersion.Version]
	served["issuemonitors"], served["issuemonitors/status"] = namespaced.Monitor, namespaced.Status
	served["clusterissuemonitors"], served["clusterissuemonitors/status"] = cluster.Monitor, cluster.Status
	return nil
}

// addWebhooks adds the webhooks to what the group serves.
func (c CompletedConfig) addWebhooks(group *genericapiserver.APIGroupInfo, engine *postgres.Engine) error {
	storage, err := issuewebhook.NewStorage(Scheme, c.restOptions(engine), c.generic.Authorization.Authorizer, c.clock)
	if err != nil {
		return err
	}
	served := group.VersionedResourcesStorageMap[v1alpha1.SchemeGroupVersion.Version]
	served["issuewebhooks"], served["issuewebhooks/status"] = storage.Webhook, storage.Status
	return nil
}
