// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/install"
	issuesv1alpha1 "kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/issuemonitor"
)

// shipped reads the monitors of a file.
func shipped(t *testing.T, file string) map[string]*issues.ClusterIssueMonitor {
	t.Helper()
	scheme := runtime.NewScheme()
	install.Install(scheme)
	decoder := serializer.NewCodecFactory(scheme).UniversalDecoder(issues.SchemeGroupVersion)
	content, err := os.ReadFile("../../../artifacts/monitors/" + file)
	require.NoError(t, err)
	documents, out := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content))), map[string]*issues.ClusterIssueMonitor{}
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return out
		}
		require.NoError(t, err)
		monitor := &issues.ClusterIssueMonitor{}
		require.NoError(t, runtime.DecodeInto(decoder, document, monitor))
		out[monitor.Name] = monitor
	}
}

// sight is an object that a monitor watches, and what else tells that it fails so.
type sight struct {
	object string
	// owner is the end of its chain of controllers, where that is another object.
	owner  *issuemonitor.Owner
	alerts []string
	// events are of type Warning: reason and message.
	events [][2]string
}

var (
	web    = &issuemonitor.Owner{APIGroup: "apps", Kind: "Deployment", Name: "web"}
	backup = &issuemonitor.Owner{APIGroup: "batch", Kind: "CronJob", Name: "backup"}
)

var sights = map[string]sight{
	"deployment-not-available":  {object: "web", alerts: []string{"KubeDeploymentReplicasMismatch", "KubeDeploymentRolloutStuck"}},
	"statefulset-not-available": {object: "db", alerts: []string{"KubeStatefulSetReplicasMismatch"}},
	"daemonset-not-available":   {object: "agent", alerts: []string{"KubeDaemonSetRolloutStuck"}},
	"job-failed": {
		object: "backup-29112345", owner: backup, alerts: []string{"KubeJobFailed"},
		events: [][2]string{{"BackoffLimitExceeded", "Job has reached the specified backoff limit"}},
	},
	"pod-crash-loop": {
		object: "web-5d4f8c7b9d-x7k2p", owner: web, alerts: []string{"KubePodCrashLooping"},
		events: [][2]string{{"BackOff", "Back-off restarting failed container web in pod web-5d4f8c7b9d-x7k2p"}},
	},
	"pod-image-pull": {
		object: "web-5d4f8c7b9d-x7k2p", owner: web,
		events: [][2]string{{"BackOff", `Back-off pulling image "x"`}, {"Failed", "Error: ErrImagePull"}, {"InvalidImageName", ""}},
	},
	"volume-claim-pending":  {object: "data", alerts: []string{"KubePersistentVolumeClaimPending"}, events: [][2]string{{"ProvisioningFailed", ""}}},
	"certificate-not-ready": {object: "web", alerts: []string{"CertManagerCertNotReady"}},
}

// TestShippedMonitorsHaveTheSameKeys: what a monitor sees has the identity of what alerts and events say of
// it, so that all of them meet in one issue.
func TestShippedMonitorsHaveTheSameKeys(t *testing.T) {
	t.Parallel()
	monitors, table := shipped(t, "workloads.yaml"), builtIn(t)
	maps.Copy(monitors, shipped(t, "certificates.yaml"))
	require.ElementsMatch(t, slices.Collect(maps.Keys(sights)), slices.Collect(maps.Keys(monitors)))
	for name, tc := range sights {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resource := monitors[name].Spec.Resource
			scope := ScopeOf(resource.Group, resource.Kind, tc.object)
			seen := identified(t, monitors[name], tc)
			told := map[string]*Symptom{}
			for _, alert := range tc.alerts {
				told[alert] = table.ByAlert(alert)
			}
			for _, event := range tc.events {
				told[strings.Join(event[:], " ")] = table.ByEvent(event[0], event[1])
			}
			for by, symptom := range told {
				require.NotNil(t, symptom, by)
				require.Equal(t, identityOf(Problem(scope, symptom.Key)), seen, by)
			}
		})
	}
}

// identified is what a monitor says of an object's identity.
func identified(t *testing.T, monitor *issues.ClusterIssueMonitor, of sight) string {
	t.Helper()
	compiled, errs := issuemonitor.Compile(&monitor.Spec, nil)
	require.Empty(t, errs)
	resource := monitor.Spec.Resource
	object := &unstructured.Unstructured{Object: map[string]any{}}
	object.SetGroupVersionKind(schema.GroupVersionKind{Group: resource.Group, Version: resource.Version, Kind: resource.Kind})
	object.SetName(of.object)
	in := issuemonitor.Input{Object: object, Owner: issuemonitor.Owner{APIGroup: resource.Group, Kind: resource.Kind, Name: of.object}}
	if of.owner != nil {
		in.Owner = *of.owner
	}
	seen, err := compiled.Identify(t.Context(), in)
	require.NoError(t, err)
	external := issuesv1alpha1.ReportedIssue{Type: seen.Type, Stage: issuesv1alpha1.IssueStage(seen.Stage), Key: seen.Key}
	external.Scope = issuesv1alpha1.IssueScope{APIGroup: seen.Scope.APIGroup, Kind: seen.Scope.Kind, Name: seen.Scope.Name}
	return identityOf(external)
}

func identityOf(issue issuesv1alpha1.ReportedIssue) string {
	return fmt.Sprintf("%s %s/%s/%s %s %s", issue.Type, issue.Scope.APIGroup, issue.Scope.Kind, issue.Scope.Name, issue.Stage, issue.Key)
}
