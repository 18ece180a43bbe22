// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
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
	"kite.dev/kite/test/rbactest"
)

// patience is how long all pods of a step of a test may take on a busy machine.
const patience = 5 * time.Minute

// system is Kite's own namespace.
const system = "kite-system"

// cluster is a real cluster with Tekton and Kite in it.
type cluster struct {
	environment []string
	admin       *rest.Config
	kubernetes  kubernetes.Interface
	tekton      client.Client
	// image has a shell.
	image string
}

// installation is Kite in the cluster, for all tests that only use it.
var installation struct {
	sync.Once

	remove *exec.Cmd
}

// TestMain leaves the cluster as the tests found it.
func TestMain(m *testing.M) {
	code := m.Run()
	if remove := installation.remove; remove != nil {
		if output, err := remove.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%v: %v\n%s", remove, err, output)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// newCluster installs Kite with its gateway once, in the cluster of KUBECONFIG, or in one that
// is made for it.
func newCluster(t *testing.T) *cluster {
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
	installation.Do(func() {
		installation.remove = c.kubectlCommand(context.Background(), "delete", "-k", "dist/e2e", "--ignore-not-found", "--timeout", patience.String())
		c.run(t, "hack/install", "dist/e2e", "artifacts/components/gateway", "artifacts/components/gateway-cert", "test/e2e/testdata/gateway")
	})

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
	var made *corev1.Namespace
	var isOld bool
	eventually(t, "there is a namespace", func(ctx context.Context) (err error) {
		made, err = namespaces.Create(ctx, &corev1.Namespace{ObjectMeta: meta}, metav1.CreateOptions{})
		if isOld = apierrors.IsAlreadyExists(err); !isOld {
			return err
		}
		if made, err = namespaces.Get(ctx, meta.Name, metav1.GetOptions{}); err == nil && made.DeletionTimestamp != nil {
			err = errors.New("the old one is not gone")
		}
		return err
	})
	if isOld {
		return meta.Name
	}
	t.Cleanup(func() {
		_ = namespaces.Delete(context.WithoutCancel(t.Context()), made.Name, metav1.DeleteOptions{})
	})
	return made.Name
}

// account is a ServiceAccount with a ClusterRole in its namespace.
func (c *cluster) account(t *testing.T, namespace, name, role string) issuesclient.IssuesV1alpha1Interface {
	t.Helper()
	out := c.newAccount(t, namespace, name)
	ref, subject := clusterRole(role), serviceAccount(namespace, name)
	_, err := c.kubernetes.RbacV1().RoleBindings(namespace).Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name}, RoleRef: ref, Subjects: []rbacv1.Subject{subject},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	rbactest.Await(t, c.kubernetes, subject, ref, namespace)
	return out
}

// clusterAccount is a ServiceAccount with ClusterRoles in all namespaces.
func (c *cluster) clusterAccount(t *testing.T, namespace, name string, roles ...string) issuesclient.IssuesV1alpha1Interface {
	t.Helper()
	out, bindings := c.newAccount(t, namespace, name), c.kubernetes.RbacV1().ClusterRoleBindings()
	for _, role := range roles {
		ref, subject := clusterRole(role), serviceAccount(namespace, name)
		made, err := bindings.Create(t.Context(), &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{GenerateName: "kite-test-"}, RoleRef: ref, Subjects: []rbacv1.Subject{subject},
		}, metav1.CreateOptions{})
		require.NoError(t, err)
		t.Cleanup(func() {
			_ = bindings.Delete(context.WithoutCancel(t.Context()), made.Name, metav1.DeleteOptions{})
		})
		rbactest.Await(t, c.kubernetes, subject, ref, "")
	}
	return out
}

func clusterRole(name string) rbacv1.RoleRef {
	return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name}
}

func serviceAccount(namespace, name string) rbacv1.Subject {
	return rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: name}
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
		if err := check(ctx); err == nil || ctx.Err() == nil { // the end of its time is no news
			last = err
		}
		return last == nil, nil
	})
	require.NoError(t, err, "%s: %v", what, last)
}
