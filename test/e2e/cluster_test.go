// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/stretchr/testify/require"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"kite.dev/kite/pkg/generated/clientset/versioned"
	issuesclient "kite.dev/kite/pkg/generated/clientset/versioned/typed/issues/v1alpha1"
)

// patience is how long all pods of a step of a test may take on a busy machine.
const patience = 5 * time.Minute

// cluster is a real cluster with Tekton and Kite in it.
type cluster struct {
	environment []string
	admin       *rest.Config
	kubernetes  kubernetes.Interface
	tekton      client.Client
	// image has a shell.
	image string
}

// newCluster installs Kite in the cluster of KUBECONFIG, or in one that is made for it, with
// components beside those of the default overlay.
func newCluster(t *testing.T, components ...string) *cluster {
	t.Helper()
	if os.Getenv("KITE_E2E") == "" {
		t.Skip("it takes over a cluster; run it by make test-e2e")
	}
	c := &cluster{environment: os.Environ(), image: os.Getenv("KITE_BUSYBOX")}
	exports := c.run(t, "hack/cluster/up")
	for line := range strings.Lines(exports) {
		c.environment = append(c.environment, os.ExpandEnv(strings.TrimSpace(strings.TrimPrefix(line, "export "))))
	}
	if exports != "" {
		dsn, err := os.ReadFile(c.variable("KITE_POSTGRES_DSN_FILE"))
		require.NoError(t, err)
		c.environment = append(c.environment, "KITE_POSTGRES_DSN="+string(dsn))
		c.image = c.variable("KITE_REGISTRY") + "/busybox"
	}
	if c.image == "" {
		c.image = "busybox"
	}
	c.run(t, "hack/install", append([]string{"dist/e2e"}, components...)...)

	var err error
	c.admin, err = clientcmd.BuildConfigFromFlags("", c.variable("KUBECONFIG"))
	require.NoError(t, err)
	c.admin.QPS = -1
	c.kubernetes = kubernetes.NewForConfigOrDie(c.admin)
	ctrl.SetLogger(logr.Discard())
	scheme := runtime.NewScheme()
	require.NoError(t, tektonv1.AddToScheme(scheme))
	c.tekton, err = client.New(c.admin, client.Options{Scheme: scheme})
	require.NoError(t, err)
	return c
}

// run runs a script of this repository and returns what it prints.
func (c *cluster) run(t *testing.T, script string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "./"+script, args...)
	cmd.Dir, cmd.Env, cmd.Stderr = "../..", c.environment, t.Output()
	out, err := cmd.Output()
	require.NoError(t, err, "%s: %s", script, out)
	return string(out)
}

// kubectl is the administrator's, at the top of the tree.
func (c *cluster) kubectl(t *testing.T, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience) // cleanups call it, too
	defer cancel()
	cmd := c.kubectlCommand(ctx, args...)
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, "kubectl %s: %s", strings.Join(args, " "), output)
}

// kubectlCommand lets a shell find kubectl in the cluster's PATH.
func (c *cluster) kubectlCommand(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "bash", append([]string{"-c", `exec kubectl "$@"`, "kubectl"}, args...)...)
	cmd.Dir, cmd.Env = "../..", c.environment
	return cmd
}

// variable is the last value of an environment variable.
func (c *cluster) variable(name string) string {
	for _, assignment := range slices.Backward(c.environment) {
		if value, ok := strings.CutPrefix(assignment, name+"="); ok {
			return value
		}
	}
	return ""
}

// namespace makes a namespace that goes when the test ends.
func (c *cluster) namespace(t *testing.T, meta metav1.ObjectMeta) string {
	t.Helper()
	namespaces := c.kubernetes.CoreV1().Namespaces()
	made, err := namespaces.Create(t.Context(), &corev1.Namespace{ObjectMeta: meta}, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return meta.Name
	}
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = namespaces.Delete(context.WithoutCancel(t.Context()), made.Name, metav1.DeleteOptions{})
	})
	return made.Name
}

// account is a ServiceAccount with a ClusterRole in its namespace.
func (c *cluster) account(t *testing.T, namespace, name, role string) issuesclient.IssuesV1alpha1Interface {
	t.Helper()
	out := c.newAccount(t, namespace, name)
	_, err := c.kubernetes.RbacV1().RoleBindings(namespace).Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: name}},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	return out
}

// clusterAccount is a ServiceAccount with ClusterRoles in all namespaces.
func (c *cluster) clusterAccount(t *testing.T, namespace, name string, roles ...string) issuesclient.IssuesV1alpha1Interface {
	t.Helper()
	out, bindings := c.newAccount(t, namespace, name), c.kubernetes.RbacV1().ClusterRoleBindings()
	for _, role := range roles {
		made, err := bindings.Create(t.Context(), &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{GenerateName: "kite-test-"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: name}},
		}, metav1.CreateOptions{})
		require.NoError(t, err)
		t.Cleanup(func() {
			_ = bindings.Delete(context.WithoutCancel(t.Context()), made.Name, metav1.DeleteOptions{})
		})
	}
	return out
}

func (c *cluster) newAccount(t *testing.T, namespace, name string) issuesclient.IssuesV1alpha1Interface {
	t.Helper()
	accounts := c.kubernetes.CoreV1().ServiceAccounts(namespace)
	_, err := accounts.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	require.NoError(t, err)
	token, err := accounts.CreateToken(t.Context(), name, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	require.NoError(t, err)
	cfg := rest.AnonymousClientConfig(c.admin)
	cfg.BearerToken, cfg.QPS = token.Status.Token, -1
	return versioned.NewForConfigOrDie(cfg).IssuesV1alpha1()
}

// eventually waits until check succeeds. The last error says what is still missing.
func eventually(t *testing.T, what string, check func(context.Context) error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), 250*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		last = check(ctx)
		return last == nil, nil
	})
	require.NoError(t, err, "%s: %v", what, last)
}
