// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"os"

	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/utils/clock"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/apiserver"
	"kite.dev/kite/pkg/apiserver/options"
	"kite.dev/kite/pkg/registry/issues/issue"
	"kite.dev/kite/pkg/storage/postgres"
)

// envEtcd is the URL of etcd.
const envEtcd = "KITE_BENCH_ETCD"

// serveFromEtcd is kite-apiserver with upstream's storage and watch cache below its
// registry: the same options, handlers and strategies. Nobody refuses a second issue of
// one problem, which etcd cannot.
func serveFromEtcd(ctx context.Context, args []string) error {
	generic, err := etcd3Config(ctx, args)
	if err != nil {
		return err
	}
	server, err := generic.Complete().New("etcd3-apiserver", genericapiserver.NewEmptyDelegate())
	if err != nil {
		return err
	}
	storage, err := issue.NewStorage(apiserver.Scheme, generic.RESTOptionsGetter, nobody{}, issue.Config{},
		authorizerfactory.NewAlwaysAllowAuthorizer(), clock.RealClock{})
	if err != nil {
		return err
	}
	group := genericapiserver.NewDefaultAPIGroupInfo(v1alpha1.GroupName, apiserver.Scheme, metav1.ParameterCodec, apiserver.Codecs)
	group.VersionedResourcesStorageMap[v1alpha1.SchemeGroupVersion.Version] = map[string]rest.Storage{
		resource:             storage.Issue,
		resource + "/status": storage.Status,
	}
	if err := server.InstallAPIGroup(&group); err != nil {
		return err
	}
	return server.PrepareRun().RunWithContext(ctx)
}

func etcd3Config(ctx context.Context, args []string) (*genericapiserver.RecommendedConfig, error) {
	o := options.NewOptions()
	flags := pflag.NewFlagSet("etcd3-apiserver", pflag.ContinueOnError)
	for _, section := range o.Flags().FlagSets {
		flags.AddFlagSet(section)
	}
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if err := o.ServerRun.ComponentGlobalsRegistry.Set(); err != nil {
		return nil, err
	}
	o.Complete()
	cfg, err := o.Config(ctx)
	if err != nil {
		return nil, err
	}
	codec := postgres.NewCodec(apiserver.Scheme, v1alpha1.SchemeGroupVersion)
	etcd := genericoptions.NewEtcdOptions(storagebackend.NewDefaultConfig("/registry", codec))
	etcd.StorageConfig.Transport.ServerList = []string{os.Getenv(envEtcd)}
	return cfg.Generic, etcd.ApplyTo(&cfg.Generic.Config)
}

// nobody holds a claim.
type nobody struct{}

func (nobody) ClaimHolder(context.Context, []byte) (string, error) { return "", nil }

func (nobody) ClaimsHeld(context.Context, string) (int64, error) { return 0, nil }
