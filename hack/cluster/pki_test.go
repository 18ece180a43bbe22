// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/x509"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCertify(t *testing.T) {
	t.Parallel()
	c := &cluster{dir: t.TempDir(), port: defaultPort, log: &progress{}}
	require.NoError(t, c.certify(t.Context()))

	ca, err := readCert(c.cert(rootCA))
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	server, err := readCert(c.cert("kube-apiserver"))
	require.NoError(t, err)
	for _, host := range []string{nodeIP, apiIP, loopback, "kubernetes.default.svc"} {
		_, err := server.Verify(x509.VerifyOptions{DNSName: host, Roots: roots})
		require.NoError(t, err, host)
	}
	client, err := readCert(c.cert("front-proxy-client"))
	require.NoError(t, err)
	usages := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	_, err = client.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: usages})
	require.Error(t, err, "the front proxy has an authority of its own")

	info, err := os.Stat(c.adminKubeconfig())
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())

	require.NoError(t, c.certify(t.Context()))
	again, err := readCert(c.cert("kube-apiserver"))
	require.NoError(t, err)
	require.Equal(t, server.SerialNumber, again.SerialNumber, "a valid certificate is kept")
}
