// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"testing"

	"k8s.io/client-go/rest"

	"kite.dev/kite/pkg/apiserver/options"
	"kite.dev/kite/pkg/storage/postgres"
)

// kite is the program of the pods, on a schema of its own in their database.
func kite(pg postgres.Config) command {
	return command{
		role: roleServer, environment: []string{options.EnvDSN + "=" + pg.DSN},
		args: []string{"serve", "--postgres-schema=" + pg.Schema},
	}
}

// etcd3 is the same API on upstream's storage.
func etcd3(url string) command {
	// The options want a database, which nobody opens.
	return command{role: roleEtcd3, environment: []string{envEtcd + "=" + url, options.EnvDSN + "=postgres://nowhere"}}
}

// startProcess runs a server beside the cluster, as an administrator's program. The
// account reaches it at once, without a proxy.
func (h *host) startProcess(b *testing.B, cmd command) *rest.Config {
	b.Helper()
	cmd.environment = append(cmd.environment, deployed...)
	cmd.args = append(cmd.args, "--kubeconfig="+h.kubeconfig, "--cert-dir="+b.TempDir())
	cfg := rest.CopyConfig(h.account)
	cfg.Host = "https://" + startServing(b, cmd).address
	cfg.TLSClientConfig = rest.TLSClientConfig{Insecure: true} // the certificate is made at start
	waitReady(b, cfg)
	return cfg
}
