// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package options

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/apiserver/pkg/server/options/encryptionconfig"
	encryptioncontroller "k8s.io/apiserver/pkg/server/options/encryptionconfig/controller"
	encryptionmetrics "k8s.io/apiserver/pkg/server/options/encryptionconfig/metrics"
)

const reloadHook = "start-encryption-provider-config-automatic-reload"

// EncryptionOptions say how objects are encrypted before they are stored, as
// kube-apiserver's do.
type EncryptionOptions struct {
	// ConfigFile holds an EncryptionConfiguration of apiserver.config.k8s.io/v1. Without
	// it objects are stored as they are.
	ConfigFile string
	// AutomaticReload takes up a changed ConfigFile without a restart.
	AutomaticReload bool
}

// NewEncryptionOptions returns the defaults.
func NewEncryptionOptions() *EncryptionOptions { return &EncryptionOptions{} }

// AddFlags adds kube-apiserver's flags.
func (o *EncryptionOptions) AddFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.ConfigFile, "encryption-provider-config", o.ConfigFile,
		"File with an EncryptionConfiguration (apiserver.config.k8s.io/v1) that says how objects are encrypted "+
			"before they are stored. Its name for all of them is '*.issues.kite.dev'.")
	fs.BoolVar(&o.AutomaticReload, "encryption-provider-config-automatic-reload", o.AutomaticReload,
		"Take up changes of the file set by --encryption-provider-config without a restart. "+
			"All KMS plugins then share one health check.")
}

// Validate returns everything that is wrong with the flags. It does not read the file.
func (o *EncryptionOptions) Validate() []error {
	if o.AutomaticReload && o.ConfigFile == "" {
		return []error{errors.New("--encryption-provider-config-automatic-reload must be set with --encryption-provider-config")}
	}
	return nil
}

// ApplyTo reads the file and gives c the transformers, and the health checks of KMS
// plugins. The file must say how each stored resource is kept. What it starts ends when
// c's server has drained.
func (o *EncryptionOptions) ApplyTo(c *genericapiserver.Config, stored []schema.GroupResource) error {
	if o.ConfigFile == "" {
		return nil
	}
	ctx := wait.ContextForChannel(c.DrainedNotify())
	loaded, closeLoaded, err := o.load(ctx, c.APIServerID, stored)
	if err != nil {
		return fmt.Errorf("set up encryption at rest (--encryption-provider-config): %w", err)
	}
	encryptionmetrics.RecordEncryptionConfigLastConfigInfo(c.APIServerID, loaded.EncryptionFileContentHash)
	if o.AutomaticReload {
		return o.applyReloading(ctx, c, loaded, closeLoaded)
	}
	c.ResourceTransformers = encryptionconfig.StaticTransformers(loaded.Transformers)
	addHealthChecks(c, loaded.HealthChecks...)
	return nil
}

// load starts the clients of KMS plugins, which end with ctx or by the function that it
// returns.
func (o *EncryptionOptions) load(
	ctx context.Context, serverID string, stored []schema.GroupResource,
) (*encryptionconfig.EncryptionConfiguration, context.CancelFunc, error) {
	ctx, cancel := context.WithCancel(ctx)
	loaded, err := encryptionconfig.LoadEncryptionConfig(ctx, o.ConfigFile, o.AutomaticReload, serverID)
	if err == nil {
		err = requireNamed(loaded, stored)
	}
	if err != nil {
		cancel()
		return nil, nil, err
	}
	return loaded, cancel, nil
}

// requireNamed refuses a file that was written for another server: everything would be
// stored as it is, although the flag says otherwise.
func requireNamed(loaded *encryptionconfig.EncryptionConfiguration, stored []schema.GroupResource) error {
	for _, gr := range stored {
		names := []schema.GroupResource{gr, {Group: gr.Group, Resource: "*"}, {Group: "*", Resource: "*"}}
		if !slices.ContainsFunc(names, func(name schema.GroupResource) bool { return loaded.Transformers[name] != nil }) {
			return fmt.Errorf("the file gives no provider for %s, which this server stores", gr)
		}
	}
	return nil
}

func (o *EncryptionOptions) applyReloading(
	ctx context.Context, c *genericapiserver.Config,
	loaded *encryptionconfig.EncryptionConfiguration, closeLoaded context.CancelFunc,
) error {
	// With automatic reload upstream makes exactly one, also without any KMS plugin.
	transformers := encryptionconfig.NewDynamicTransformers(
		loaded.Transformers, loaded.HealthChecks[0], closeLoaded, loaded.KMSCloseGracePeriod)
	controller := encryptioncontroller.NewDynamicEncryptionConfiguration(
		"encryption-provider-config-automatic-reload-controller",
		o.ConfigFile, transformers, loaded.EncryptionFileContentHash, c.APIServerID)
	c.ResourceTransformers = transformers
	addHealthChecks(c, transformers)
	return c.AddPostStartHook(reloadHook, func(genericapiserver.PostStartHookContext) error {
		go controller.Run(ctx)
		return nil
	})
}

// addHealthChecks leaves /livez alone, as upstream does: a restart mends no KMS plugin.
func addHealthChecks(c *genericapiserver.Config, checks ...healthz.HealthChecker) {
	c.HealthzChecks = append(c.HealthzChecks, checks...)
	c.ReadyzChecks = append(c.ReadyzChecks, checks...)
}
