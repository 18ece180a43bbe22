// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package options

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/authorization/path"
	"k8s.io/apiserver/pkg/authorization/union"
	genericapiserver "k8s.io/apiserver/pkg/server"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"kite.dev/kite/pkg/apiserver"
	"kite.dev/kite/pkg/apiserver/authorization"
)

// AuthorizationOptions delegate every decision to the host cluster by
// SubjectAccessReview. Upstream's options fix their client at 200 requests/s, which
// would bound what a replica serves: each object's name is a question of its own.
type AuthorizationOptions struct {
	*genericoptions.DelegatingAuthorizationOptions

	// ClientQPS and ClientBurst bound the SubjectAccessReviews per second.
	// Default to 1000 and 2000.
	ClientQPS   float32
	ClientBurst int
}

// NewAuthorizationOptions returns the defaults.
func NewAuthorizationOptions() *AuthorizationOptions {
	return &AuthorizationOptions{
		DelegatingAuthorizationOptions: genericoptions.NewDelegatingAuthorizationOptions(),
		ClientQPS:                      1000,
		ClientBurst:                    2000,
	}
}

// AddFlags adds upstream's flags and those of the client.
func (o *AuthorizationOptions) AddFlags(fs *pflag.FlagSet) {
	o.DelegatingAuthorizationOptions.AddFlags(fs)
	fs.Float32Var(&o.ClientQPS, "authorization-client-qps", o.ClientQPS,
		"SubjectAccessReviews per second that this server asks the host cluster for, at most.")
	fs.IntVar(&o.ClientBurst, "authorization-client-burst", o.ClientBurst,
		"SubjectAccessReviews that may exceed --authorization-client-qps for a moment.")
}

// Validate returns everything that is wrong.
func (o *AuthorizationOptions) Validate() []error {
	errs := o.DelegatingAuthorizationOptions.Validate()
	if o.ClientQPS <= 0 {
		errs = append(errs, errors.New("--authorization-client-qps must be greater than 0"))
	}
	if o.ClientBurst <= 0 {
		errs = append(errs, errors.New("--authorization-client-burst must be greater than 0"))
	}
	return errs
}

// ApplyTo sets the authorizer: privileged groups and open paths first, since they cost
// no request.
func (o *AuthorizationOptions) ApplyTo(info *genericapiserver.AuthorizationInfo) error {
	var err error
	info.Authorizer, err = o.newAuthorizer(math.MaxInt64)
	return err
}

// rightsCacheTTL is how old an answer may be that visibleissues goes by. With the time
// between two questions of a watch it stays below 10 s.
const rightsCacheTTL = 4 * time.Second

// ApplyToRights sets the authorizer of visibleissues. It has a client of its own: one
// user's many namespaces keep no request of others waiting.
func (o *AuthorizationOptions) ApplyToRights(cfg *apiserver.Config) error {
	var err error
	cfg.Rights, err = o.newAuthorizer(rightsCacheTTL)
	return err
}

func (o *AuthorizationOptions) newAuthorizer(maxTTL time.Duration) (authorizer.Authorizer, error) {
	client, err := o.client()
	if err != nil {
		return nil, fmt.Errorf("configure authorization (--authorization-kubeconfig): %w", err)
	}
	return o.authorizer(client, maxTTL)
}

func (o *AuthorizationOptions) authorizer(
	client authorizationclient.AuthorizationV1Interface, maxTTL time.Duration,
) (authorizer.Authorizer, error) {
	delegated, err := authorizerfactory.DelegatingAuthorizerConfig{
		SubjectAccessReviewClient: client,
		AllowCacheTTL:             min(o.AllowCacheTTL, maxTTL),
		DenyCacheTTL:              min(o.DenyCacheTTL, maxTTL),
		WebhookRetryBackoff:       o.WebhookRetryBackoff,
	}.New()
	if err != nil {
		return nil, err
	}
	paths, err := path.NewAuthorizer(o.AlwaysAllowPaths)
	if err != nil {
		return nil, fmt.Errorf("--authorization-always-allow-paths: %w", err)
	}
	return union.New(
		union.NamedAuthorizer{
			AuthorizerName: "kite.dev/always-allow-groups",
			Authorizer:     authorizerfactory.NewPrivilegedGroups(o.AlwaysAllowGroups...),
		},
		union.NamedAuthorizer{
			AuthorizerName: "kite.dev/always-allow-paths",
			Authorizer:     paths,
		},
		union.NamedAuthorizer{
			AuthorizerName: "kite.dev/subject-access-review",
			Authorizer:     authorization.WithoutUnboundedSelectors(delegated),
		},
	)
}

func (o *AuthorizationOptions) client() (authorizationclient.AuthorizationV1Interface, error) {
	cfg, err := hostConfig(o.RemoteKubeConfigFile)
	if err != nil {
		return nil, err
	}
	cfg.QPS, cfg.Burst = o.ClientQPS, o.ClientBurst
	cfg.Timeout = o.ClientTimeout
	// The authorizer's requests do not ask for Protobuf by themselves, as generated ones do.
	cfg.ContentType = runtime.ContentTypeProtobuf
	cfg.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	return authorizationclient.NewForConfig(cfg)
}

// hostConfig reads a kubeconfig, or without one takes the pod's service account.
func hostConfig(kubeconfig string) (*rest.Config, error) {
	if kubeconfig == "" {
		return rest.InClusterConfig()
	}
	rules := &clientcmd.ClientConfigLoadingRules{ExplicitPath: kubeconfig}
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{}).ClientConfig()
}
