// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// TestAudit finds who did what to which issue in the servers' own log: user,
// impersonated user, verb and object; under the ID that kube-apiserver's log has, too.
func TestAudit(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	create(t, m, "frontend")
	path := "/apis/issues.kite.dev/v1alpha1/namespaces/" + m.namespace + "/issues/frontend"
	user := "system:serviceaccount:" + m.namespace + ":developer"

	event := audited(t, m, m.developer, http.MethodPatch, path)
	require.Equal(t, "patch", event.Verb)
	require.Equal(t, user, event.User.Username)
	require.Nil(t, event.ImpersonatedUser)
	require.Equal(t, &auditv1.ObjectReference{
		Resource: "issues", Namespace: m.namespace, Name: "frontend", APIGroup: "issues.kite.dev", APIVersion: "v1alpha1",
	}, event.ObjectRef)
	require.Equal(t, int32(http.StatusOK), event.ResponseStatus.Code)
	require.Equal(t, "allow", event.Annotations["authorization.k8s.io/decision"])

	replica := replicas(t, m.host)[0]
	as := direct(t, m.host, &replica, "")
	as.CertData, as.KeyData = m.host.admin.CertData, m.host.admin.KeyData
	as.Impersonate = rest.ImpersonationConfig{UserName: user}
	event = audited(t, m, as, http.MethodDelete, path)
	require.Equal(t, "delete", event.Verb)
	require.NotEqual(t, user, event.User.Username)
	require.Equal(t, user, event.ImpersonatedUser.Username)
}

// audited sends a request with an ID of its own and returns its audit event.
func audited(t testing.TB, m *team, cfg *rest.Config, method, path string) auditv1.Event {
	t.Helper()
	id := fmt.Sprintf("%s-%s", m.namespace, method)
	code, body := do(t, cfg, method, path, `{"metadata":{"annotations":{"a":"b"}}}`,
		http.Header{"Audit-ID": {id}, "Content-Type": {mergePatch}})
	require.NotZero(t, code, "%s", body)
	var found auditv1.Event
	eventually(t, "the request is in the audit log", func(ctx context.Context) error {
		for _, replica := range replicas(t, m.host) {
			log, err := kubernetes.NewForConfigOrDie(m.host.admin).CoreV1().Pods(system).GetLogs(replica.Name,
				&corev1.PodLogOptions{Container: "kite-apiserver", SinceSeconds: new(int64(300))}).DoRaw(ctx)
			if err != nil {
				return err
			}
			for line := range strings.Lines(string(log)) {
				if strings.Contains(line, `"auditID":"`+id+`"`) {
					return json.Unmarshal([]byte(line), &found)
				}
			}
		}
		return fmt.Errorf("no event %s", id)
	})
	return found
}
