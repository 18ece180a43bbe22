// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"net/http"
	"time"

	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/endpoints/openapi"
	genericapiserver "k8s.io/apiserver/pkg/server"
	flowcontrolrequest "k8s.io/apiserver/pkg/util/flowcontrol/request"
	corev1listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/component-base/compatibility"
	"k8s.io/component-base/version"
	"k8s.io/utils/clock"

	generatedopenapi "kite.dev/kite/pkg/generated/openapi"
	"kite.dev/kite/pkg/registry/issues/issue"
	"kite.dev/kite/pkg/registry/issues/issuesummary"
	"kite.dev/kite/pkg/registry/issues/sweep"
	"kite.dev/kite/pkg/registry/issues/visibleissue"
	"kite.dev/kite/pkg/storage/postgres"
)

// DefaultWatchGracePeriod is how long a stopping server waits for watches, which it ends
// at once. Upstream's default, none, keeps it waiting for them until the kubelet kills it.
const DefaultWatchGracePeriod = 10 * time.Second

// Config is all that a Server is made of. Start from NewConfig.
type Config struct {
	// Generic configures serving, authentication, authorization, admission, audit and
	// flow control. Its SecureServing is required. Without an authenticator only the
	// loopback client gets in, without an authorizer only the loopback client may do
	// anything, and without admission every valid write is admitted.
	Generic *genericapiserver.RecommendedConfig

	// Quota is the plugin of Generic's admission that enforces ResourceQuotas. It is
	// asked for the Issues that reports create, too. Defaults to none.
	Quota admission.Interface

	// Postgres says where objects are kept. The schema must have been migrated.
	Postgres postgres.Config

	// Issues bounds issues. Its NamespaceUIDs defaults to what Generic's
	// SharedInformerFactory knows of namespaces, if there is one.
	Issues issue.Config

	// Retention says for how long what is over is kept. Defaults to for ever.
	Retention sweep.Retention

	// Candidates name the namespaces in which a user may have rights, for visibleissues.
	// Without them it shows issues only to those who may list issues in all namespaces,
	// or name one.
	Candidates visibleissue.Candidates

	// Rights say where a user may list issues, for visibleissues. Their answers may be
	// at most 5 s old. Defaults to Generic's authorizer.
	Rights authorizer.Authorizer

	// Clock gives the times that the server sets in objects. Defaults to the real one.
	Clock clock.Clock
}

// NewConfig returns a Config that lacks what a caller must decide: Generic's serving
// and authorization, and Postgres.
func NewConfig() *Config {
	generic := genericapiserver.NewRecommendedConfig(Codecs)
	generic.EffectiveVersion = Components.EffectiveVersionFor(compatibility.DefaultKubeComponent)
	generic.BuildHandlerChainFunc = buildHandlerChain
	generic.ShutdownWatchTerminationGracePeriod = DefaultWatchGracePeriod
	generic.StorageObjectCountTracker = flowcontrolrequest.NewStorageObjectCountTracker()

	namer := openapi.NewDefinitionNamer(Scheme)
	generic.OpenAPIConfig = genericapiserver.DefaultOpenAPIConfig(generatedopenapi.GetOpenAPIDefinitions, namer)
	generic.OpenAPIConfig.Info.Title = "Kite"
	generic.OpenAPIConfig.Info.Version = version.Get().GitVersion
	generic.OpenAPIV3Config = genericapiserver.DefaultOpenAPIV3Config(generatedopenapi.GetOpenAPIDefinitions, namer)
	generic.OpenAPIV3Config.Info.Title = "Kite"
	generic.OpenAPIV3Config.Info.Version = version.Get().GitVersion

	return &Config{Generic: generic}
}

func buildHandlerChain(api http.Handler, c *genericapiserver.Config) http.Handler {
	return genericapiserver.DefaultBuildHandlerChain(withoutProtobuf(api), c)
}

// CompletedConfig is a Config with nothing left to decide.
type CompletedConfig struct {
	generic    genericapiserver.CompletedConfig
	quota      admission.Interface
	candidates visibleissue.Candidates
	rights     authorizer.Authorizer
	postgres   postgres.Config
	issues     issue.Config
	retention  sweep.Retention
	clock      clock.Clock
}

// Complete fills in what is not set. It changes c.
func (c *Config) Complete() CompletedConfig {
	if c.Generic.Authentication.Authenticator == nil {
		c.Generic.Authentication.Authenticator = authenticator.RequestFunc(authenticateNobody)
	}
	if c.Generic.Authorization.Authorizer == nil {
		c.Generic.Authorization.Authorizer = authorizerfactory.NewPrivilegedGroups("system:masters")
	}
	if c.Rights == nil {
		c.Rights = c.Generic.Authorization.Authorizer
	}
	if c.Clock == nil {
		c.Clock = clock.RealClock{}
	}
	if factory := c.Generic.SharedInformerFactory; factory != nil && c.Issues.NamespaceUIDs == nil {
		c.Issues.NamespaceUIDs = namespaceUIDs(factory.Core().V1().Namespaces().Lister())
	}
	return CompletedConfig{
		generic: c.Generic.Complete(), quota: c.Quota, postgres: c.Postgres, issues: c.Issues, clock: c.Clock,
		retention:  c.Retention,
		candidates: c.Candidates, rights: c.Rights,
	}
}

// namespaceUIDs does not wait for the lister: what is not known is learnt later.
func namespaceUIDs(namespaces corev1listers.NamespaceLister) issue.NamespaceUIDs {
	return func(name string) string {
		namespace, err := namespaces.Get(name)
		if err != nil {
			return ""
		}
		return string(namespace.UID)
	}
}

func authenticateNobody(*http.Request) (*authenticator.Response, bool, error) { return nil, false, nil }

// New opens the database and returns a server that runs when Run is called. A
// database that cannot be reached is no error, one with another schema version is.
func (c CompletedConfig) New(ctx context.Context) (*Server, error) {
	engine, err := postgres.Open(ctx, c.postgres, projections()...)
	if err != nil {
		return nil, err
	}
	server, err := c.newServer(engine)
	if err != nil {
		engine.Close()
		return nil, err
	}
	return server, nil
}

func (c CompletedConfig) newServer(engine *postgres.Engine) (*Server, error) {
	generic, err := c.generic.New("kite-apiserver", genericapiserver.NewEmptyDelegate())
	if err != nil {
		return nil, err
	}
	if err := generic.AddReadyzChecks(readyCheck(engine)); err != nil {
		return nil, err
	}
	issues, err := c.issuesStorage(engine)
	if err != nil {
		return nil, err
	}
	producers := issuesummary.NewProducers(engine, c.issues.NamespaceUIDs, c.clock)
	if err := c.addHooks(generic, engine, producers); err != nil {
		return nil, err
	}
	group := c.issuesGroup(issues, engine, producers)
	if err := c.addMonitors(group, engine); err != nil {
		return nil, err
	}
	if err := c.addWebhooks(group, engine); err != nil {
		return nil, err
	}
	sweeper := sweep.New(issues.Issue, engine, c.retention, c.clock)
	return &Server{Generic: generic, engine: engine, sweeper: sweeper}, generic.InstallAPIGroup(group)
}

// addHooks starts what goes on beside requests.
func (c CompletedConfig) addHooks(
	generic *genericapiserver.GenericAPIServer, engine *postgres.Engine, producers *issuesummary.Producers,
) error {
	err := generic.AddPostStartHook("kite-issue-producers", func(ctx genericapiserver.PostStartHookContext) error {
		go producers.Run(ctx)
		return nil
	})
	if err != nil {
		return err
	}
	return generic.AddPostStartHook("kite-active-issues", func(ctx genericapiserver.PostStartHookContext) error {
		go issuesummary.CountActive(ctx, engine, c.clock)
		return nil
	})
}
