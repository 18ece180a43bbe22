// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// TestManifests: the arguments are flags, the file is valid, volumes are where it says, and
// a pod has the time to end.
func TestManifests(t *testing.T) {
	t.Parallel()
	manifests, err := os.ReadFile("../../../artifacts/components/gateway/gateway.yaml")
	require.NoError(t, err)
	var deployment appsv1.Deployment
	var file corev1.ConfigMap
	for document := range bytes.SplitSeq(manifests, []byte("\n---\n")) {
		kind := metav1.TypeMeta{}
		require.NoError(t, yaml.Unmarshal(document, &kind))
		switch kind.Kind {
		case "Deployment":
			require.NoError(t, yaml.UnmarshalStrict(document, &deployment))
		case "ConfigMap":
			require.NoError(t, yaml.UnmarshalStrict(document, &file))
		}
	}
	pod := deployment.Spec.Template.Spec
	require.NoError(t, NewCommand().Flags().Parse(pod.Containers[0].Args))

	o := NewOptions()
	o.Config = filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(o.Config, []byte(file.Data["config.yaml"]), 0o600))
	loaded, err := o.loadConfiguration((&program{}).apply)
	require.NoError(t, err)
	c := loaded.Current()
	require.Contains(t, pod.Containers[0].Args, "--config="+pod.Containers[0].VolumeMounts[0].MountPath+"/config.yaml")
	require.Equal(t, c.Serving.CertDir, pod.Containers[0].VolumeMounts[1].MountPath)
	grace := time.Duration(*pod.TerminationGracePeriodSeconds) * time.Second
	require.Greater(t, grace, c.Timeouts.Leave.Duration+c.Timeouts.Shutdown.Duration)
}
