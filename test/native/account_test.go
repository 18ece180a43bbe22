// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"kite.dev/kite/pkg/generated/clientset/versioned"
	issuesclient "kite.dev/kite/pkg/generated/clientset/versioned/typed/issues/v1alpha1"
	"kite.dev/kite/test/rbactest"
)

// patience is how long anything may take on a busy machine. Bookmarks come each minute.
const patience = 100 * time.Second

// team is a namespace of its own, with a developer who has the role edit in it and
// nothing else. It is deleted when the test ends.
type team struct {
	host      *host
	namespace string
	// developer is a ServiceAccount, so RBAC decides about all that it asks.
	developer *rest.Config
}

func newTeam(t testing.TB) *team {
	t.Helper()
	return cluster(t).team(t, "edit")
}

// team is newTeam with another role, in a cluster where nobody fills the usual ones.
func (h *host) team(t testing.TB, role string) *team {
	t.Helper()
	client := kubernetes.NewForConfigOrDie(h.admin)
	made, err := client.CoreV1().Namespaces().Create(t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "team-"}}, metav1.CreateOptions{})
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = client.CoreV1().Namespaces().Delete(context.WithoutCancel(t.Context()), made.Name, metav1.DeleteOptions{})
	})
	out := &team{host: h, namespace: made.Name}
	out.developer = out.account(t, "developer", role)
	return out
}

// account makes a ServiceAccount with cluster roles in the namespace.
func (m *team) account(t testing.TB, name string, roles ...string) *rest.Config {
	t.Helper()
	client := kubernetes.NewForConfigOrDie(m.host.admin)
	_, err := client.CoreV1().ServiceAccounts(m.namespace).Create(t.Context(),
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	require.NoError(t, err)
	for _, role := range roles {
		m.bind(t, name, rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role})
	}
	token, err := client.CoreV1().ServiceAccounts(m.namespace).CreateToken(t.Context(), name,
		&authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	require.NoError(t, err)
	cfg := rest.AnonymousClientConfig(m.host.admin)
	cfg.QPS = -1
	cfg.BearerToken = token.Status.Token
	return cfg
}

func (m *team) bind(t testing.TB, account string, role rbacv1.RoleRef) {
	t.Helper()
	client, subject := kubernetes.NewForConfigOrDie(m.host.admin), m.subject(account)
	_, err := client.RbacV1().RoleBindings(m.namespace).Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: account + "-" + role.Name}, RoleRef: role, Subjects: []rbacv1.Subject{subject},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	rbactest.Await(t, client, subject, role, m.namespace)
}

func (m *team) subject(account string) rbacv1.Subject {
	return rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: m.namespace, Name: account}
}

// issues is the developer's client.
func (m *team) issues(t testing.TB) issuesclient.IssueInterface {
	t.Helper()
	return clientFor(t, m.developer).IssuesV1alpha1().Issues(m.namespace)
}

func clientFor(t testing.TB, cfg *rest.Config) versioned.Interface {
	t.Helper()
	client, err := versioned.NewForConfig(cfg)
	require.NoError(t, err)
	return client
}

// kubeconfig writes what a person would have in ~/.kube/config.
func (m *team) kubeconfig(t testing.TB, cfg *rest.Config) string {
	t.Helper()
	out := clientcmdapi.NewConfig()
	out.Clusters["c"] = &clientcmdapi.Cluster{Server: cfg.Host, CertificateAuthorityData: cfg.CAData}
	out.AuthInfos["u"] = &clientcmdapi.AuthInfo{
		Token: cfg.BearerToken, ClientCertificateData: cfg.CertData, ClientKeyData: cfg.KeyData,
	}
	out.Contexts["x"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "u", Namespace: m.namespace}
	out.CurrentContext = "x"
	path := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, clientcmd.WriteToFile(*out, path))
	return path
}

// eventually waits until check succeeds. The last error says what is still missing.
func eventually(t testing.TB, what string, check func(context.Context) error) {
	t.Helper()
	within(t, patience, what, check)
}

func within(t testing.TB, limit time.Duration, what string, check func(context.Context) error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, limit, true, func(ctx context.Context) (bool, error) {
		if err := check(ctx); err == nil || ctx.Err() == nil { // the end of its time is no news
			last = err
		}
		return last == nil, nil
	})
	require.NoError(t, err, "%s: %v", what, last)
}

// lines splits output, without empty lines.
func lines(output string) []string {
	var out []string
	for line := range strings.Lines(output) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

func writeFile(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}
