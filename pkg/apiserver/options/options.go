// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package options turns flags and environment variables into an apiserver.Config.
package options

import (
	"context"
	"fmt"
	"net"
	"slices"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	genericapiserver "k8s.io/apiserver/pkg/server"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/component-base/compatibility"
	logsapi "k8s.io/component-base/logs/api/v1"

	"kite.dev/kite/pkg/apiserver"
	"kite.dev/kite/pkg/apiserver/authorization"
)

// defaultPort needs no privilege to listen on.
const defaultPort = 8443

// Options is everything that can be set from outside, in the groups that --help
// shows. Flags keep the names that they have in other API servers.
type Options struct {
	Postgres       *PostgresOptions
	Encryption     *EncryptionOptions
	Issues         *IssuesOptions
	ServerRun      *genericoptions.ServerRunOptions
	SecureServing  *genericoptions.SecureServingOptionsWithLoopback
	Authentication *genericoptions.DelegatingAuthenticationOptions
	Authorization  *AuthorizationOptions
	Admission      *AdmissionOptions
	Audit          *genericoptions.AuditOptions
	Features       *genericoptions.FeatureOptions
	CoreAPI        *genericoptions.CoreAPIOptions
	Traces         *genericoptions.TracingOptions
	Logs           *logsapi.LoggingConfiguration
}

// The logging options ask the process's feature gate, whose list is closed by the first
// flag set that is made from it.
func init() { //nolint:gochecknoinits // the gate is global upstream
	utilruntime.Must(logsapi.AddFeatureGates(utilfeature.DefaultMutableFeatureGate))
}

// NewOptions returns the defaults.
func NewOptions() *Options {
	return &Options{
		Postgres:       NewPostgresOptions(),
		Encryption:     NewEncryptionOptions(),
		Issues:         NewIssuesOptions(),
		ServerRun:      newServerRun(),
		SecureServing:  newSecureServing(),
		Authentication: genericoptions.NewDelegatingAuthenticationOptions(),
		Authorization:  NewAuthorizationOptions(),
		Admission:      NewAdmissionOptions(),
		Audit:          genericoptions.NewAuditOptions(),
		Features:       genericoptions.NewFeatureOptions(),
		CoreAPI:        genericoptions.NewCoreAPIOptions(),
		Traces:         genericoptions.NewTracingOptions(),
		Logs:           logsapi.NewLoggingConfiguration(),
	}
}

func newServerRun() *genericoptions.ServerRunOptions {
	o := genericoptions.NewServerRunOptionsForComponent(compatibility.DefaultKubeComponent, apiserver.Components)
	o.ShutdownWatchTerminationGracePeriod = apiserver.DefaultWatchGracePeriod
	return o
}

func newSecureServing() *genericoptions.SecureServingOptionsWithLoopback {
	o := genericoptions.NewSecureServingOptions()
	o.BindPort = defaultPort
	o.Required = true
	// The aggregator multiplexes the requests and watches of all clients over few connections.
	o.HTTP2MaxStreamsPerConnection = 1000
	// A generated certificate stays in memory: the root file system may be read-only.
	o.ServerCert.CertDirectory = ""
	return o.WithLoopback()
}

// Flags returns the flags in named sections.
func (o *Options) Flags() cliflag.NamedFlagSets {
	var sections cliflag.NamedFlagSets
	o.Postgres.AddFlags(sections.FlagSet("postgres"))
	o.Postgres.AddServeFlags(sections.FlagSet("postgres"))
	o.Encryption.AddFlags(sections.FlagSet("encryption at rest"))
	o.Issues.AddFlags(sections.FlagSet("issues"))
	o.CoreAPI.AddFlags(sections.FlagSet("host cluster"))
	o.SecureServing.AddFlags(sections.FlagSet("secure serving"))
	o.Authentication.AddFlags(sections.FlagSet("authentication"))
	o.Authorization.AddFlags(sections.FlagSet("authorization"))
	o.Admission.AddFlags(sections.FlagSet("admission"))
	o.ServerRun.AddUniversalFlags(sections.FlagSet("server"))
	o.Features.AddFlags(sections.FlagSet("features"))
	o.Audit.AddFlags(sections.FlagSet("auditing"))
	o.Traces.AddFlags(sections.FlagSet("traces"))
	logsapi.AddFlags(o.Logs, sections.FlagSet("logs"))
	return sections
}

// Complete derives what is not given from what is: one --kubeconfig serves for
// authentication and authorization, too.
func (o *Options) Complete() {
	if o.Authentication.RemoteKubeConfigFile == "" {
		o.Authentication.RemoteKubeConfigFile = o.CoreAPI.CoreAPIKubeconfigPath
	}
	if o.Authorization.RemoteKubeConfigFile == "" {
		o.Authorization.RemoteKubeConfigFile = o.CoreAPI.CoreAPIKubeconfigPath
	}
}

// Validate returns everything that is wrong.
func (o *Options) Validate() []error {
	return slices.Concat(
		o.Postgres.Validate(),
		o.Encryption.Validate(),
		o.Issues.Validate(),
		o.CoreAPI.Validate(),
		o.SecureServing.Validate(),
		o.Authentication.Validate(),
		o.Authorization.Validate(),
		o.Admission.Validate(),
		o.ServerRun.Validate(),
		o.Features.Validate(),
		o.Audit.Validate(),
		o.Traces.Validate(),
	)
}

// Config makes the server's configuration. It reads the files that the options name
// and asks the host cluster what it serves.
func (o *Options) Config(ctx context.Context) (*apiserver.Config, error) {
	cfg := apiserver.NewConfig()
	var err error
	if cfg.Postgres, err = o.Postgres.Config(); err != nil {
		return nil, err
	}
	o.Issues.ApplyTo(cfg)
	if err := o.SecureServing.MaybeDefaultWithSelfSignedCerts("localhost", nil, []net.IP{net.IPv4(127, 0, 0, 1)}); err != nil {
		return nil, fmt.Errorf("make a self-signed certificate: %w", err)
	}
	if err := o.applyLocal(cfg); err != nil {
		return nil, err
	}
	return cfg, o.applyHost(ctx, cfg)
}

// applyLocal applies the groups that need nobody else.
func (o *Options) applyLocal(cfg *apiserver.Config) error {
	generic := &cfg.Generic.Config
	if err := o.ServerRun.ApplyTo(generic); err != nil {
		return err
	}
	if err := o.Encryption.ApplyTo(generic, apiserver.StoredResources()); err != nil {
		return err
	}
	if err := o.Traces.ApplyTo(nil, generic); err != nil {
		return err
	}
	if err := o.SecureServing.ApplyToConfig(generic); err != nil {
		return err
	}
	return o.Audit.ApplyTo(generic)
}

// applyHost applies the groups that work with the host cluster. The order is
// upstream's: later groups use what earlier ones have set.
func (o *Options) applyHost(ctx context.Context, cfg *apiserver.Config) error {
	generic := cfg.Generic
	if err := o.CoreAPI.ApplyTo(generic); err != nil {
		return fmt.Errorf("configure access to the host cluster (--kubeconfig): %w", err)
	}
	client, err := kubernetes.NewForConfig(generic.ClientConfig)
	if err != nil {
		return err
	}
	dynamicClient, err := dynamic.NewForConfig(generic.ClientConfig)
	if err != nil {
		return err
	}
	if err := o.matchHost(ctx, client.Discovery()); err != nil {
		return err
	}
	if err := o.Authentication.ApplyTo(&generic.Authentication, generic.SecureServing, generic.OpenAPIConfig); err != nil {
		return err
	}
	if err := o.Authorization.ApplyTo(&generic.Authorization); err != nil {
		return err
	}
	if err := o.Authorization.ApplyToRights(cfg); err != nil {
		return err
	}
	if err := followBindings(cfg, client); err != nil {
		return err
	}
	if err := o.Features.ApplyTo(&generic.Config, client, generic.SharedInformerFactory); err != nil {
		return err
	}
	return o.Admission.ApplyTo(cfg, client, dynamicClient)
}

// followBindings makes the server read the host cluster's RoleBindings while it runs.
func followBindings(cfg *apiserver.Config, client kubernetes.Interface) error {
	bindings, err := authorization.NewBindings(client)
	if err != nil {
		return err
	}
	cfg.Candidates = bindings
	return cfg.Generic.AddPostStartHook("kite-role-bindings", func(ctx genericapiserver.PostStartHookContext) error {
		go bindings.Run(ctx)
		return nil
	})
}
