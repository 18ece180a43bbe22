// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package options

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime/schema"
	genericapiserver "k8s.io/apiserver/pkg/server"

	"kite.dev/kite/pkg/apiserver"
)

const encryptionConfig = `apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources: ["*.issues.kite.dev"]
    providers:
      - aesgcm: {keys: [{name: one, secret: c2VjcmV0IGlzIHNlY3VyZQ==}]}
      - identity: {}
`

func TestEncryptionConfig(t *testing.T) {
	t.Parallel()
	rename := func(resource string) string {
		return strings.Replace(encryptionConfig, `"*.issues.kite.dev"`, resource, 1)
	}
	cases := map[string]struct {
		reason  string
		file    string // content; "-" for a file that does not exist
		wantErr string
	}{
		"Named":       {reason: "each resource itself", file: rename("issues.issues.kite.dev, issuemonitors.issues.kite.dev, clusterissuemonitors.issues.kite.dev, issuewebhooks.issues.kite.dev")},
		"Group":       {reason: "all of the group, as upstream allows", file: encryptionConfig},
		"Everything":  {reason: "all of everything, as upstream allows", file: rename(`"*.*"`)},
		"Forgotten":   {reason: "a resource would be stored as it is", file: rename("issues.issues.kite.dev"), wantErr: "no provider for clusterissuemonitors.issues.kite.dev"},
		"NoFile":      {reason: "a Secret that is not mounted", file: "-", wantErr: "no such file or directory"},
		"Empty":       {reason: "an empty Secret", file: "", wantErr: "is empty"},
		"Typing":      {reason: "upstream decodes strictly", file: strings.Replace(encryptionConfig, "keys", "key", 1), wantErr: "unknown field"},
		"BadKey":      {reason: "AES knows three lengths", file: strings.Replace(encryptionConfig, "c2VjcmV0IGlzIHNlY3VyZQ==", "c2hvcnQ=", 1), wantErr: "secret is not of the expected length"},
		"OtherServer": {reason: "kube-apiserver's file would encrypt nothing here", file: rename("secrets"), wantErr: "no provider for clusterissuemonitors.issues.kite.dev"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := NewEncryptionOptions()
			o.ConfigFile = filepath.Join(t.TempDir(), "encryption.yaml")
			if tc.file != "-" {
				require.NoError(t, os.WriteFile(o.ConfigFile, []byte(tc.file), 0o600))
			}
			c := newGenericConfig()
			err := o.ApplyTo(c, apiserver.StoredResources())
			if tc.wantErr != "" {
				require.ErrorContains(t, err, tc.wantErr, tc.reason)
				require.ErrorContains(t, err, "--encryption-provider-config", "the flag is named")
				require.NotContains(t, err.Error(), "c2hvcnQ=", "a key is not printed")
				require.Nil(t, c.ResourceTransformers)
				return
			}
			require.NoError(t, err, tc.reason)
			for _, gr := range apiserver.StoredResources() {
				requireEncrypts(t, c, gr)
			}
		})
	}
}

func newGenericConfig() *genericapiserver.Config { return &apiserver.NewConfig().Generic.Config }

// plainContext authenticates nothing.
type plainContext struct{}

func (plainContext) AuthenticatedData() []byte { return nil }

func requireEncrypts(t *testing.T, c *genericapiserver.Config, gr schema.GroupResource) {
	t.Helper()
	stored, err := c.ResourceTransformers.TransformerForResource(gr).TransformToStorage(t.Context(), []byte("plain"), plainContext{})
	require.NoError(t, err)
	require.NotContains(t, string(stored), "plain")
}

func TestNoEncryptionByDefault(t *testing.T) {
	t.Parallel()
	c := newGenericConfig()
	before := len(c.ReadyzChecks)
	require.NoError(t, NewEncryptionOptions().ApplyTo(c, apiserver.StoredResources()))
	require.Nil(t, c.ResourceTransformers)
	require.Len(t, c.ReadyzChecks, before)
}

func TestAutomaticReloadNeedsFile(t *testing.T) {
	t.Parallel()
	o := NewOptions()
	o.Encryption.AutomaticReload = true
	errs := o.Encryption.Validate()
	require.Len(t, errs, 1)
	require.ErrorContains(t, errs[0], "must be set with --encryption-provider-config")
	o.Encryption.ConfigFile = "file"
	require.Empty(t, o.Encryption.Validate())
}

// With automatic reload there is one health check, whatever the file says, and it is
// no part of /livez.
func TestAutomaticReloadHealthCheck(t *testing.T) {
	t.Parallel()
	o := NewEncryptionOptions()
	o.AutomaticReload = true
	o.ConfigFile = filepath.Join(t.TempDir(), "encryption.yaml")
	require.NoError(t, os.WriteFile(o.ConfigFile, []byte(encryptionConfig), 0o600))
	c := newGenericConfig()
	ready, live := len(c.ReadyzChecks), len(c.LivezChecks)
	require.NoError(t, o.ApplyTo(c, apiserver.StoredResources()))
	require.Len(t, c.ReadyzChecks, ready+1)
	require.Equal(t, "kms-providers", c.ReadyzChecks[ready].Name())
	require.Len(t, c.LivezChecks, live)
	require.Contains(t, c.PostStartHooks, reloadHook)
	requireEncrypts(t, c, apiserver.StoredResources()[0])
}
