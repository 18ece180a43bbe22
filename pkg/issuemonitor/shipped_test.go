// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuemonitor_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/sets"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"kite.dev/kite/pkg/apis/issues"
	"kite.dev/kite/pkg/apis/issues/install"
	"kite.dev/kite/pkg/apis/issues/validation"
	"kite.dev/kite/pkg/issuemonitor"
)

const shippedFolder = "../../artifacts/monitors"

// shipped reads the monitors as the server does: strictly, with defaults, checked.
func shipped(t *testing.T) map[string]*issues.ClusterIssueMonitor {
	t.Helper()
	scheme := runtime.NewScheme()
	install.Install(scheme)
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDecoder(issues.SchemeGroupVersion)
	files, err := filepath.Glob(shippedFolder + "/*.yaml")
	require.NoError(t, err)
	out := map[string]*issues.ClusterIssueMonitor{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
		for {
			document, err := documents.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			if !bytes.Contains(document, []byte("kind: ClusterIssueMonitor")) {
				continue
			}
			monitor := &issues.ClusterIssueMonitor{}
			require.NoError(t, runtime.DecodeInto(decoder, document, monitor), file)
			require.Empty(t, validation.ValidateClusterIssueMonitor(monitor), monitor.Name)
			out[monitor.Name] = monitor
		}
	}
	return out
}

// judged is what a monitor makes of an object's member, in one line.
func judged(t *testing.T, m *issuemonitor.Monitor, in issuemonitor.Input) string {
	t.Helper()
	verdict, err := m.Judge(t.Context(), in)
	require.NoError(t, err)
	if verdict != issuemonitor.Failing {
		if verdict == issuemonitor.Recovered {
			_, err = m.Identify(t.Context(), in)
			require.NoError(t, err, "a recovery needs the identity")
			_, err = m.ObservedAt(t.Context(), in)
			require.NoError(t, err)
		}
		return string(verdict)
	}
	issue, err := m.Describe(t.Context(), in)
	require.NoError(t, err)
	at, err := m.ObservedAt(t.Context(), in)
	require.NoError(t, err)
	line := fmt.Sprintf("%s %s/%s", issue.Type, issue.Scope.Kind, issue.Scope.Name)
	for _, part := range []string{string(issue.Stage), issue.Key, issue.Cause} {
		line += " " + part
	}
	line += ": " + issue.Title
	if !at.IsZero() {
		line += at.Format(" @15:04")
	}
	return line
}

// shippedCase is an object, and what its monitor makes of it.
type shippedCase struct {
	monitor string
	object  string
	// owned objects belong to the Deployment web.
	owned bool
	want  []string
}

var shippedCases = map[string]shippedCase{
	"DeploymentFails": {
		monitor: "deployment-not-available", object: `
metadata: {name: web}
status: {conditions: [{type: Available, status: "False", message: no minimum}, {type: Progressing, status: "True"}]}`,
		want: []string{"runtime Deployment/web  NotAvailable : Deployment web has fewer replicas than it should"},
	},
	"DeploymentStuck": {
		monitor: "deployment-not-available", object: `
metadata: {name: web}
status: {conditions: [{type: Available, status: "True"}, {type: Progressing, status: "False", reason: ProgressDeadlineExceeded}]}`,
		want: []string{"runtime Deployment/web  NotAvailable : Deployment web has fewer replicas than it should"},
	},
	"DeploymentWorks": {monitor: "deployment-not-available", want: []string{"Recovered"}, object: `
metadata: {name: web}
status: {conditions: [{type: Available, status: "True"}, {type: Progressing, status: "True"}]}`},
	"DeploymentNew":    {monitor: "deployment-not-available", want: []string{"Recovered"}, object: `metadata: {name: web}`},
	"DeploymentPaused": {monitor: "deployment-not-available", want: []string{"Ignored"}, object: `{metadata: {name: web}, spec: {paused: true}}`},
	"DeploymentScaled": {monitor: "deployment-not-available", want: []string{"Recovered"}, object: `
{metadata: {name: web}, spec: {replicas: 0}, status: {conditions: [{type: Progressing, status: "False"}]}}`},

	"StatefulSetFails": {
		monitor: "statefulset-not-available", object: `{metadata: {name: db}, spec: {replicas: 3}, status: {availableReplicas: 2}}`,
		want: []string{"runtime StatefulSet/db  NotAvailable : StatefulSet db has fewer replicas than it should"},
	},
	"StatefulSetWorks": {monitor: "statefulset-not-available", object: `{metadata: {name: db}, spec: {replicas: 3}, status: {availableReplicas: 3}}`, want: []string{"Recovered"}},
	"DaemonSetFails": {
		monitor: "daemonset-not-available", object: `{metadata: {name: agent}, status: {numberUnavailable: 1, desiredNumberScheduled: 3}}`,
		want: []string{"runtime DaemonSet/agent  NotAvailable : DaemonSet agent has fewer pods than it should"},
	},
	"DaemonSetWorks": {monitor: "daemonset-not-available", object: `{metadata: {name: agent}, status: {desiredNumberScheduled: 3}}`, want: []string{"Recovered"}},

	"JobFails": {
		monitor: "job-failed", object: `
metadata: {name: backup-1}
status: {conditions: [{type: Failed, status: "True", reason: BackoffLimitExceeded, message: too often, lastTransitionTime: "2026-03-02T10:03:00Z"}]}`,
		want: []string{"runtime Job/backup-1  JobFailed BackoffLimitExceeded: Job backup-1 failed @10:03"},
	},
	"JobWorks": {monitor: "job-failed", want: []string{"Recovered"}, object: `
metadata: {name: backup-1}
status: {conditions: [{type: SuccessCriteriaMet, status: "True"}, {type: Complete, status: "True", lastTransitionTime: "2026-03-02T10:03:00Z"}]}`},
	"JobRuns": {monitor: "job-failed", want: []string{"Undecided"}, object: `{metadata: {name: backup-1}, status: {active: 1}}`},

	"CrashLoop": {
		monitor: "pod-crash-loop", owned: true, object: `
metadata: {name: web-1-x}
status:
  containerStatuses:
    - {name: proxy, restartCount: 0, state: {running: {}}}
    - {name: web, restartCount: 5, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 1, reason: Error}}}`,
		want: []string{"runtime Deployment/web  CrashLoop Error: Deployment web: container web crashes again and again"},
	},
	"CrashLoopOfInit": {
		monitor: "pod-crash-loop", owned: true, object: `
metadata: {name: web-1-x}
status: {initContainerStatuses: [{name: setup, state: {waiting: {reason: CrashLoopBackOff}}}]}`,
		want: []string{"runtime Deployment/web  CrashLoop : Deployment web: container setup crashes again and again"},
	},
	"CrashLoopBetween": {
		monitor: "pod-crash-loop", owned: true, object: `
metadata: {name: web-1-x}
spec: {restartPolicy: Always}
status:
  initContainerStatuses: [{name: setup, restartCount: 3, state: {terminated: {exitCode: 0, reason: Completed}}}]
  containerStatuses: [{name: web, restartCount: 2, state: {terminated: {exitCode: 137, reason: OOMKilled}}, lastState: {terminated: {exitCode: 1, reason: Error}}}]`,
		want: []string{"runtime Deployment/web  CrashLoop OOMKilled: Deployment web: container web crashes again and again"},
	},
	"CrashLoopBesideACrash": {
		monitor: "pod-crash-loop", owned: true, object: `
metadata: {name: web-1-x}
status:
  phase: Running
  containerStatuses:
    - {name: proxy, restartCount: 1, state: {terminated: {exitCode: 1, reason: Error}}}
    - {name: web, restartCount: 2, state: {terminated: {exitCode: 137, reason: OOMKilled}}}`,
		want: []string{"runtime Deployment/web  CrashLoop OOMKilled: Deployment web: container web crashes again and again"},
	},
	"CrashOfDeletedPod": {monitor: "pod-crash-loop", owned: true, want: []string{"Recovered"}, object: `
{metadata: {name: web-1-x, deletionTimestamp: "2026-03-02T10:03:00Z"}, status: {phase: Running, containerStatuses: [{name: web, restartCount: 3, state: {terminated: {exitCode: 143}}}]}}`},
	"CrashOfEvictedPod": {monitor: "pod-crash-loop", owned: true, want: []string{"Recovered"}, object: `
{metadata: {name: web-1-x}, status: {phase: Failed, reason: Evicted, containerStatuses: [{name: web, restartCount: 3, state: {terminated: {exitCode: 137}}}]}}`},
	"CrashedOnce": {monitor: "pod-crash-loop", owned: true, want: []string{"Recovered"}, object: `
{metadata: {name: web-1-x}, status: {containerStatuses: [{name: web, restartCount: 1, state: {terminated: {exitCode: 1}}}]}}`},
	"CrashOfJob": {monitor: "pod-crash-loop", owned: true, want: []string{"Recovered"}, object: `
{metadata: {name: web-1-x}, spec: {restartPolicy: Never}, status: {containerStatuses: [{name: web, restartCount: 2, state: {terminated: {exitCode: 1}}}]}}`},
	"CrashLoopOver": {monitor: "pod-crash-loop", owned: true, want: []string{"Recovered"}, object: `
{metadata: {name: web-1-x}, status: {containerStatuses: [{name: web, state: {running: {}}}]}}`},
	"CrashLoopOfTask": {monitor: "pod-crash-loop", want: []string{"Ignored"}, object: `
{metadata: {name: x, labels: {tekton.dev/taskRun: x}}}`},

	"ImagePull": {
		monitor: "pod-image-pull", owned: true, object: `
metadata: {name: web-1-x}
status: {containerStatuses: [{name: web, image: "example.com/web:1", state: {waiting: {reason: ImagePullBackOff, message: Back-off pulling image}}}]}`,
		want: []string{"runtime Deployment/web  ImagePull : Deployment web: an image cannot be pulled"},
	},
	"ImagePulled": {monitor: "pod-image-pull", owned: true, object: `{metadata: {name: web-1-x}}`, want: []string{"Recovered"}},

	"ClaimPending": {
		monitor: "volume-claim-pending", object: `{metadata: {name: data}, status: {phase: Pending}}`,
		want: []string{"runtime PersistentVolumeClaim/data  Pending : PersistentVolumeClaim data has no volume"},
	},
	"ClaimLost": {
		monitor: "volume-claim-pending", object: `{metadata: {name: data, creationTimestamp: "2026-03-02T10:03:00Z"}, status: {phase: Lost}}`,
		want: []string{"runtime PersistentVolumeClaim/data  Pending : PersistentVolumeClaim data has no volume"},
	},
	"ClaimBound": {monitor: "volume-claim-pending", object: `{metadata: {name: data}, status: {phase: Bound}}`, want: []string{"Recovered"}},

	"CertificateFails": {
		monitor: "certificate-not-ready", object: `
{metadata: {name: web}, status: {conditions: [{type: Ready, status: "False", reason: DoesNotExist, message: no secret}]}}`,
		want: []string{"runtime Certificate/web  NotReady DoesNotExist: Certificate web is not ready"},
	},
	"CertificateReady": {monitor: "certificate-not-ready", want: []string{"Recovered"}, object: `
{metadata: {name: web}, status: {conditions: [{type: Ready, status: "True", reason: Ready, lastTransitionTime: "2026-03-02T10:03:00Z"}]}}`},
	"CertificateNew": {monitor: "certificate-not-ready", object: `{metadata: {name: web}}`, want: []string{"Undecided"}},

	"ManagedReleaseFails": {
		monitor: "release-failed", object: `
metadata: {name: shop-1, labels: {appstudio.openshift.io/application: shop}}
spec: {releasePlan: shop-prod, snapshot: shop-abc}
status:
  managedProcessing: {pipelineRun: managed-ns/managed-x}
  conditions:
    - {type: Validated, status: "True", reason: Succeeded}
    - {type: TenantPipelineProcessed, status: "True", reason: Skipped}
    - {type: ManagedPipelineProcessed, status: "False", reason: Failed, message: "Release processing failed"}
    - {type: Released, status: "False", reason: Failed, lastTransitionTime: "2026-03-02T10:03:00Z"}`,
		want: []string{"release ReleasePlan/shop-prod Release  ManagedPipelineFailed: Release shop-1 of shop-prod failed: ManagedPipelineProcessed @10:03"},
	},
	"TenantReleaseFails": {
		monitor: "release-failed", object: `
metadata: {name: shop-2}
spec: {releasePlan: shop-prod}
status:
  conditions:
    - {type: TenantPipelineProcessed, status: "False", reason: Failed}
    - {type: Released, status: "False", reason: Failed, lastTransitionTime: "2026-03-02T10:03:00Z"}`,
		want: []string{"release ReleasePlan/shop-prod Release  TenantPipelineFailed: Release shop-2 of shop-prod failed: TenantPipelineProcessed @10:03"},
	},
	"ReleaseInvalid": {
		monitor: "release-failed", object: `
metadata: {name: shop-2}
spec: {releasePlan: shop-prod}
status: {conditions: [{type: Validated, status: "False", reason: Failed}, {type: Released, status: "False", reason: Failed, lastTransitionTime: "2026-03-02T10:03:00Z"}]}`,
		want: []string{"release ReleasePlan/shop-prod Release  ValidationFailed: Release shop-2 of shop-prod failed: Validated @10:03"},
	},
	"FinalReleaseFails": {
		monitor: "release-failed", object: `
metadata: {name: shop-2}
spec: {releasePlan: shop-prod}
status: {conditions: [{type: FinalPipelineProcessed, status: "False", reason: Failed}, {type: Released, status: "False", reason: Failed, lastTransitionTime: "2026-03-02T10:03:00Z"}]}`,
		want: []string{"release ReleasePlan/shop-prod Release  FinalPipelineFailed: Release shop-2 of shop-prod failed: FinalPipelineProcessed @10:03"},
	},
	"CollectorsFail": {
		monitor: "release-failed", object: `
metadata: {name: shop-2}
spec: {releasePlan: shop-prod}
status: {conditions: [{type: ManagedCollectorsPipelineProcessed, status: "False", reason: Failed}, {type: Released, status: "False", reason: Failed, lastTransitionTime: "2026-03-02T10:03:00Z"}]}`,
		want: []string{"release ReleasePlan/shop-prod Release  ManagedCollectorsPipelineFailed: Release shop-2 of shop-prod failed: ManagedCollectorsPipelineProcessed @10:03"},
	},
	"ReleaseRuns": {monitor: "release-failed", want: []string{"Undecided"}, object: `
{metadata: {name: shop-1}, spec: {releasePlan: shop-prod}, status: {conditions: [{type: Released, status: "False", reason: Progressing}]}}`},
	"ReleaseNew": {monitor: "release-failed", want: []string{"Undecided"}, object: `{metadata: {name: shop-1}, spec: {releasePlan: shop-prod}}`},
	"Released": {monitor: "release-failed", want: []string{"Recovered"}, object: `
{metadata: {name: shop-1}, spec: {releasePlan: shop-prod}, status: {conditions: [{type: Released, status: "True", reason: Succeeded, lastTransitionTime: "2026-03-02T10:03:00Z"}]}}`},

	"SnapshotTests": {
		monitor: "snapshot-test-without-run", object: `
metadata:
  name: shop-abc
  labels: {appstudio.openshift.io/component: frontend, pac.test.appstudio.openshift.io/event-type: push}
  annotations:
    test.appstudio.openshift.io/status: '[{"scenario":"e2e","status":"TestInvalid","lastUpdateTime":"2026-03-02T10:03:00Z","details":"no such bundle"},{"scenario":"unit","status":"TestFail","testPipelineRunName":"unit-x","lastUpdateTime":"2026-03-02T10:03:00Z"},{"scenario":"slow","status":"Pending","lastUpdateTime":"2026-03-02T10:03:00Z"}]'
spec: {application: shop}`,
		want: []string{"test Component/frontend Push e2e TestInvalid: Test e2e of snapshot shop-abc never ran: TestInvalid @10:03", "Ignored", "Undecided"},
	},
	"SnapshotOfPullRequest": {
		monitor: "snapshot-test-without-run", object: `
metadata:
  name: shop-abc
  labels: {pac.test.appstudio.openshift.io/event-type: pull_request, pac.test.appstudio.openshift.io/pull-request: "42"}
  annotations:
    test.appstudio.openshift.io/status: '[{"scenario":"e2e","status":"EnvironmentProvisionError","lastUpdateTime":"2026-03-02T10:03:00Z"}]'
spec: {application: shop}`,
		want: []string{"test Application/shop PullRequest 42/e2e EnvironmentProvisionError: Test e2e of snapshot shop-abc never ran: EnvironmentProvisionError @10:03"},
	},
	"SnapshotWithoutTests": {monitor: "snapshot-test-without-run", object: `{metadata: {name: shop-abc}, spec: {application: shop}}`},

	"Violation": {
		monitor: "conforma-violation", object: conforma(`{"result":"FAILURE","failures":3,"warnings":1}`, "True", "event-type: push", "branch: main"),
		want: []string{"policy Component/frontend Push policy PolicyViolation: Component frontend violates the policy @10:03"},
	},
	"ViolationOfRetest": {
		monitor: "conforma-violation", object: conforma(`{"result":"ERROR"}`, "True", "event-type: retest-all-comment", `pull-request: "42"`),
		want: []string{"policy Component/frontend PullRequest 42/policy PolicyViolation: Component frontend violates the policy @10:03"},
	},
	"ViolationOfBranch": {
		monitor: "conforma-violation", object: conforma(`{"result":"FAILURE"}`, "True", "event-type: push", "branch: refs/heads/release-1.0"),
		want: []string{"policy Component/frontend Push release-1.0/policy PolicyViolation: Component frontend violates the policy @10:03"},
	},
	"NoViolation":   {monitor: "conforma-violation", object: conforma(`{"result":"SUCCESS"}`, "True"), want: []string{"Recovered"}},
	"ViolationFail": {monitor: "conforma-violation", object: conforma(`{"result":"FAILURE"}`, "False"), want: []string{"Ignored"}},

	"TaskOutdated": {
		monitor: "task-update", object: build("quay.io/example/task-git-clone:0.1@sha256:old"),
		want: []string{"dependency Component/frontend  task/git-clone TaskOutdated: Task git-clone of component frontend is out of date @10:00"},
	},
	"TaskUpdated": {monitor: "task-update", object: build("quay.io/example/task-git-clone:0.1@sha256:new"), want: []string{"Recovered"}},

	"TaskOutdatedFinally": {
		monitor: "task-update", object: `
metadata: {name: build-1, labels: {appstudio.openshift.io/component: frontend}}
status:
  startTime: "2026-03-02T10:00:00Z"
  pipelineSpec:
    finally:
      - {name: clone, taskRef: {resolver: bundles, params: [{name: bundle, value: "quay.io/example/task-git-clone:0.1@sha256:old"}, {name: name, value: git-clone}]}}`,
		want: []string{"dependency Component/frontend  task/git-clone TaskOutdated: Task git-clone of component frontend is out of date @10:00"},
	},

	// As Pipelines-as-Code writes it.
	"NotStarted": {
		monitor: "pipeline-not-started", object: `
metadata: {name: web-x7k2p, creationTimestamp: "2026-03-02T10:03:00Z"}
type: Warning
reason: PipelineRunValidationErrors
message: "cannot read the PipelineRun: build"
firstTimestamp: null
lastTimestamp: null
eventTime: null
source: {component: Pipelines As Code}
involvedObject: {apiVersion: v1alpha1, kind: Repository, name: web}`,
		want: []string{"pipeline Repository/web  NotStarted PipelineRunValidationErrors: Repository web: no pipeline was started @10:03"},
	},
	"StartedWithoutStatus": {monitor: "pipeline-not-started", want: []string{"Ignored"}, object: `
{metadata: {name: web.1}, type: Warning, reason: RepositoryCreateStatus, source: {component: Pipelines As Code}, involvedObject: {kind: Repository, name: web}}`},
	"OtherRepository": {monitor: "pipeline-not-started", want: []string{"Ignored"}, object: `
{metadata: {name: web.1}, type: Warning, reason: Broken, source: {component: other}, involvedObject: {apiVersion: example.com/v1, kind: Repository, name: web}}`},
}

// conforma is a TaskRun with labels of Pipelines-as-Code.
func conforma(output, succeeded string, labels ...string) string {
	pac := ""
	for _, label := range labels {
		pac += ", pac.test.appstudio.openshift.io/" + label
	}
	return fmt.Sprintf(`
metadata: {name: verify, labels: {appstudio.openshift.io/component: frontend, test.appstudio.openshift.io/scenario: policy%s}}
status:
  completionTime: "2026-03-02T10:03:00Z"
  conditions: [{type: Succeeded, status: %q}]
  results: [{name: TEST_OUTPUT, value: '%s'}]`, pac, succeeded, output)
}

func build(bundle string) string {
	return fmt.Sprintf(`
metadata: {name: build-1, labels: {appstudio.openshift.io/component: frontend}}
status:
  startTime: "2026-03-02T10:00:00Z"
  pipelineSpec:
    tasks:
      - {name: local, taskRef: {name: mine}}
      - {name: clone, taskRef: {resolver: bundles, params: [{name: bundle, value: %q}, {name: name, value: git-clone}]}}`, bundle)
}

// TestShipped: the monitors of artifacts/monitors are right about real states of what they
// watch.
func TestShipped(t *testing.T) {
	t.Parallel()
	monitors, tested := shipped(t), sets.New[string]()
	for name, tc := range shippedCases {
		tested.Insert(tc.monitor)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			monitor := monitors[tc.monitor]
			require.NotNil(t, monitor)
			spec := monitor.Spec.DeepCopy()
			if tc.monitor == "task-update" {
				spec.Table = []issues.MonitorRow{{Name: "quay.io/example/task-git-clone:0.1@sha256:old", Values: map[string]string{
					"newest": "quay.io/example/task-git-clone:0.2@sha256:new", "expiresOn": "2026-09-01T00:00:00Z", "migrationURL": "https://example.com/0.2",
				}}}
			}
			compiled, errs := issuemonitor.Compile(spec, nil)
			require.Empty(t, errs)
			object := &unstructured.Unstructured{}
			require.NoError(t, yaml.Unmarshal([]byte(tc.object), &object.Object))
			object.SetKind(monitor.Spec.Resource.Kind)
			in := issuemonitor.Input{Object: object, Owner: issuemonitor.Owner{
				APIGroup: monitor.Spec.Resource.Group, Kind: monitor.Spec.Resource.Kind, Name: object.GetName(),
			}}
			if tc.owned {
				in.Owner = issuemonitor.Owner{APIGroup: "apps", Kind: "Deployment", Name: "web", UID: "w"}
			}
			items, err := compiled.Items(t.Context(), in)
			require.NoError(t, err)
			var got []string
			for _, item := range items {
				got = append(got, judged(t, compiled, item))
			}
			require.Equal(t, tc.want, got)
		})
	}
	require.ElementsMatch(t, sets.KeySet(monitors).UnsortedList(), tested.UnsortedList(), "every monitor has a case")
}

// TestShippedTaskUpdate: what is to be done, and until when.
func TestShippedTaskUpdate(t *testing.T) {
	t.Parallel()
	spec := shipped(t)["task-update"].Spec.DeepCopy()
	spec.Table = []issues.MonitorRow{{Name: "old", Values: map[string]string{"newest": "new", "expiresOn": "2026-09-01T00:00:00Z", "migrationURL": "https://example.com/0.2"}}}
	compiled, errs := issuemonitor.Compile(spec, nil)
	require.Empty(t, errs)
	object := &unstructured.Unstructured{}
	require.NoError(t, yaml.Unmarshal([]byte(build("old")), &object.Object))
	items, err := compiled.Items(t.Context(), issuemonitor.Input{Object: object})
	require.NoError(t, err)
	issue, err := compiled.Describe(t.Context(), items[0])
	require.NoError(t, err)
	require.Equal(t, "2026-09-01", issue.DueDate.Format("2006-01-02"))
	require.Equal(t, &issues.IssueMigration{From: "old", To: "new", URL: "https://example.com/0.2"}, issue.Migration)
}

// TestShippedReleaseLinks: to each run that the Release names, where the form of links is given.
func TestShippedReleaseLinks(t *testing.T) {
	t.Parallel()
	object := &unstructured.Unstructured{}
	require.NoError(t, yaml.Unmarshal([]byte(`
metadata: {name: shop-1}
spec: {releasePlan: shop-prod}
status:
  tenantProcessing: {pipelineRun: shop/tenant-x}
  managedProcessing: {pipelineRun: managed-ns/managed-x}
  finalProcessing: {}
  conditions: [{type: Released, status: "False", reason: Failed, lastTransitionTime: "2026-03-02T10:03:00Z"}]`), &object.Object))
	row := issues.MonitorRow{Name: "links", Values: map[string]string{"pipelineRun": "https://console.example.com/ns/{namespace}/pipelinerun/{name}"}}
	for name, tc := range map[string]struct {
		table []issues.MonitorRow
		want  []issues.IssueLink
	}{
		"None": {},
		"Form": {table: []issues.MonitorRow{row}, want: []issues.IssueLink{
			{Title: "Tenant pipeline run", URL: "https://console.example.com/ns/shop/pipelinerun/tenant-x", Kind: issues.LinkRun},
			{Title: "Managed pipeline run", URL: "https://console.example.com/ns/managed-ns/pipelinerun/managed-x", Kind: issues.LinkRun},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := shipped(t)["release-failed"].Spec.DeepCopy()
			spec.Table = tc.table
			compiled, errs := issuemonitor.Compile(spec, nil)
			require.Empty(t, errs)
			issue, err := compiled.Describe(t.Context(), issuemonitor.Input{Object: object})
			require.NoError(t, err)
			require.Equal(t, tc.want, issue.Links)
		})
	}
}
