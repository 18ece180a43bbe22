// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
)

// secretOf pads what marks a credential's form to its length, so that no text here looks
// like a real one.
func secretOf(mark string, length int) string { return mark + strings.Repeat("x1", length/2) }

func TestRedact(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Authorization: Bearer abc.def.ghi":                                                "Authorization: Bearer [redacted]",
		`{"authorization":"Basic dXNlcjpwYXNz"}`:                                           `{"authorization":"Basic [redacted]"}`,
		`{\"authorization\":\"token abcdefgh\"}`:                                           `{\"authorization\":\"token [redacted]\"}`,
		"git clone https://user:hunter2@git.example.com/x":                                 "git clone https://[redacted]git.example.com/x",
		"git clone https://0123456789abcdef@git.example.com/x":                             "git clone https://[redacted]git.example.com/x",
		"PASSWORD=hunter2 next":                                                            "PASSWORD=[redacted] next",
		"DB_PASS=hunter2":                                                                  "DB_PASS=[redacted]",
		`password: "two words", other`:                                                     `password: "[redacted]", other`,
		`"token": "abcdef", "other": 1`:                                                    `"token": "[redacted]", "other": 1`,
		`{\"password\":\"hunter2\",\"x\":1}`:                                               `{\"password\":\"[redacted]\",\"x\":1}`,
		`{"auths":{"quay.io":{"auth":"dXNlcjpwYXNz"}}}`:                                    `{"auths":{"quay.io":{"auth":"[redacted]"}}}`,
		"//registry.npmjs.org/:_authToken=0123456789":                                      "//registry.npmjs.org/:_authToken=[redacted]",
		"Set-Cookie: session=abcdef; Path=/":                                               "Set-Cookie: [redacted] Path=/",
		"client-key-data: LS0tLS1CRUdJTg==":                                                "client-key-data: [redacted]",
		"aws_secret_access_key = abcd/efgh":                                                "aws_secret_access_key = [redacted]",
		"export GH=ghp_0123456789abcdefghij0123456789abcdef":                               "export GH=[redacted]",
		"glpat-0123456789abcdefXYZ":                                                        "[redacted]",
		secretOf("glrt-", 20):                                                              "[redacted]",
		"key AKIAIOSFODNN7EXAMPLE":                                                         "key [redacted]",
		"key ASIAIOSFODNN7EXAMPLE":                                                         "key [redacted]",
		"oc login with " + secretOf("sha256~", 40):                                         "oc login with [redacted]",
		"vault " + secretOf("hvs.", 24):                                                    "vault [redacted]",
		secretOf("dckr_pat_", 24):                                                          "[redacted]",
		secretOf("pypi-", 24):                                                              "[redacted]",
		secretOf("sk-", 40):                                                                "[redacted]",
		secretOf("sk_"+"live_", 24):                                                        "[redacted]",
		"POST https://hooks.slack.com/services/T0/B0/abc 200":                              "POST https://hooks.slack.com/services/[redacted] 200",
		"GET https://s3.example.com/x?X-Amz-Signature=0123&y=1":                            "GET https://s3.example.com/x?X-Amz-Signature=[redacted]&y=1",
		"jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc_def":                                 "jwt [redacted]",
		"skopeo copy --creds user:hunter2 a b":                                             "skopeo copy --creds [redacted] a b",
		"curl -u user:hunter2 https://example.com":                                         "curl -u [redacted] https://example.com",
		"-----BEGIN RSA PRIVATE KEY-----\nabc\ndef\n":                                      "[redacted]",
		"a\n-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\nb":                  "a\n[redacted]\nb",
		"-----BEGIN PGP PRIVATE KEY BLOCK-----\nx\n-----END PGP PRIVATE KEY BLOCK-----\nb": "[redacted]\nb",
		"abc\ndef\n-----END RSA PRIVATE KEY-----\nb":                                       "[redacted]\nb",
	} {
		require.Equal(t, want, redact(text))
	}
}

// TestRedactLeavesAlone what a reader needs to understand the failure.
func TestRedactLeavesAlone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"Bad credentials - aborting",
		"https://quay.io/team/base: unauthorized",
		"unauthorized: access to the requested resource is not authorized",
		"git clone ssh://git@git.example.com/x",
		"quay.io/team/base@sha256:0123456789abcdef0123456789abcdef",
		"--- FAIL: TestLogin (0.00s)",
		"-----BEGIN CERTIFICATE-----",
		"useradd -u 1001 kite",
		"tests passed: 1234",
		`"author": "somebody"`,
		"mail to team@example.com, see https://example.com/x?y=a@b",
	} {
		require.Equal(t, text, redact(text))
	}
}

// TestMessagesAreRedacted: Tekton repeats parameters in what it says of a refusal.
func TestMessagesAreRedacted(t *testing.T) {
	t.Parallel()
	run := failing(condition(corev1.ConditionFalse, tektonv1.PipelineRunReasonFailed, "of the run, password=hunter2"))
	task := newTask(run, "compile", taskReason(corev1.ConditionFalse, tektonv1.TaskRunReasonInvalidParamValue, "of the task, token=hunter2"))
	text := testConfig(t).failure(run, failed, failedTasks([]tektonv1.TaskRun{*task}), "").Issue.Description
	require.Contains(t, text, "of the run, password=[redacted]")
	require.Contains(t, text, "of the task, token=[redacted]")

	waiting := newRun(started(), condition(corev1.ConditionUnknown, tektonv1.PipelineRunReasonRunning, "secret: hunter2"))
	require.Contains(t, testConfig(t).delay(waiting, ended, nil).Issue.Description, "secret: [redacted]")
}
