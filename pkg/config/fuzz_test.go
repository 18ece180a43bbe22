// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"

	configv1alpha1 "kite.dev/kite/pkg/apis/config/v1alpha1"
)

// FuzzDecode: what a file says is refused, or is what /configz shows of it. Of a file with
// unknown and repeated fields the rest is there, to be looked at.
func FuzzDecode(f *testing.F) {
	const gateway = "apiVersion: config.kite.dev/v1alpha1\nkind: GatewayConfiguration\n"
	for _, text := range []string{
		head, gateway, gateway + "limits: {senderRate: 1}\nsymptoms: [{symptom: X}]\n", head + "colour: red\npipelineRun: {logBytes: 1}\n",
		head + "shutdownTimeout: 1s\nshutdownTimeout: 2s\n", head + "---\n" + head, head + "rules: {severities: null}\n",
		gateway + "symptoms: []\n", head + "controllers: []\n", "{", "", "[]",
		`{"apiVersion":"config.kite.dev/v1alpha1","kind":"ControllersConfiguration","controllers":["*"]}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		requireDecoded[*configv1alpha1.ControllersConfiguration](t, data)
		requireDecoded[*configv1alpha1.GatewayConfiguration](t, data)
	})
}

func requireDecoded[T runtime.Object](t *testing.T, data []byte) {
	t.Helper()
	configuration, err := decode[T](data)
	if err != nil && !runtime.IsStrictDecodingError(err) {
		return
	}
	text, err := encode(configuration)
	require.NoError(t, err)
	again, err := decode[T](text)
	require.NoError(t, err, "%s", text)
	shown, err := encode(again)
	require.NoError(t, err)
	require.Equal(t, string(text), string(shown))
}
