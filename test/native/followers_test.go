// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package native

import (
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	crcache "sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"kite.dev/kite/pkg/apis/issues/v1alpha1"
	"kite.dev/kite/pkg/generated/clientset/versioned/scheme"
	"kite.dev/kite/pkg/generated/informers/externalversions"
)

// version tells an object, in one of its states, from all others.
type version struct {
	UID             types.UID `json:"uid"`
	ResourceVersion string    `json:"resourceVersion"`
}

func (v version) revision() uint64 {
	revision, _ := strconv.ParseUint(v.ResourceVersion, 10, 64) // the server writes numbers only
	return revision
}

// follower keeps a copy of a namespace's issues by what an informer tells its handlers.
type follower struct {
	name string

	mu     sync.Mutex
	copy   map[string]version
	gone   map[types.UID]bool
	newest uint64
	// wrong is what no client may ever be told.
	wrong []string
}

func newFollower(name string) *follower {
	return &follower{name: name, copy: map[string]version{}, gone: map[types.UID]bool{}}
}

var _ cache.ResourceEventHandler = (*follower)(nil)

func (f *follower) OnAdd(obj any, _ bool) { f.setObject(obj) }

func (f *follower) OnUpdate(_, obj any) { f.setObject(obj) }

func (f *follower) OnDelete(obj any) {
	key, err := cache.DeletionHandlingObjectToName(obj)
	if err != nil {
		panic(err)
	}
	f.set(key.Name, version{})
}

func (f *follower) setObject(obj any) {
	object, err := meta.Accessor(obj)
	if err != nil {
		panic(err)
	}
	f.set(object.GetName(), version{UID: object.GetUID(), ResourceVersion: object.GetResourceVersion()})
}

// set takes an event. Without a UID the object is gone.
func (f *follower) set(name string, v version) {
	f.mu.Lock()
	defer f.mu.Unlock()
	old := f.copy[name]
	if v.UID == "" {
		f.gone[old.UID] = true
		delete(f.copy, name)
		return
	}
	if old.UID == v.UID && v.revision() < old.revision() {
		f.wrong = append(f.wrong, fmt.Sprintf("%s went back from %s to %s", name, old.ResourceVersion, v.ResourceVersion))
	}
	if f.gone[v.UID] {
		f.wrong = append(f.wrong, fmt.Sprintf("%s came back with %s", name, v.ResourceVersion))
	}
	f.copy[name] = v
	f.newest = max(f.newest, v.revision())
}

func (f *follower) state() (issues map[string]version, newest uint64, wrong []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.copy), f.newest, f.wrong
}

// follow starts clients of all kinds. They end with the test.
func follow(t *testing.T, m *team) []*follower {
	t.Helper()
	return []*follower{followDynamically(t, m), followTyped(t, m), followByControllerRuntime(t, m)}
}

// followDynamically runs the program of test/consumer, whose client-go is of release 0.29.
func followDynamically(t *testing.T, m *team) *follower {
	t.Helper()
	program := filepath.Join(t.TempDir(), "consumer")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Dir = filepath.Join(root, "test/consumer")
	output, err := build.CombinedOutput()
	require.NoError(t, err, "%s", output)

	cmd := exec.CommandContext(t.Context(), program, m.namespace)
	cmd.Env = slices.Concat(m.host.environment, []string{"KUBECONFIG=" + m.kubeconfig(t, m.developer)})
	cmd.Stderr = t.Output()
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	f := newFollower("a dynamic informer of client-go 0.29")
	done := make(chan struct{})
	go func() {
		defer close(done)
		events := json.NewDecoder(stdout)
		for {
			var event struct {
				version

				Name string `json:"name"`
			}
			if events.Decode(&event) != nil {
				return
			}
			f.set(event.Name, event.version)
		}
	}()
	t.Cleanup(func() {
		<-done
		_ = cmd.Wait() // it was killed
	})
	return f
}

func followTyped(t *testing.T, m *team) *follower {
	t.Helper()
	factory := externalversions.NewSharedInformerFactoryWithOptions(clientFor(t, m.developer), 0, externalversions.WithNamespace(m.namespace))
	f := newFollower("a typed informer")
	_, err := factory.Issues().V1alpha1().Issues().Informer().AddEventHandler(f)
	require.NoError(t, err)
	factory.Start(t.Context().Done())
	t.Cleanup(factory.Shutdown)
	return f
}

func followByControllerRuntime(t *testing.T, m *team) *follower {
	t.Helper()
	log.SetLogger(klog.Background())
	c, err := crcache.New(m.developer, crcache.Options{
		Scheme:            scheme.Scheme,
		DefaultNamespaces: map[string]crcache.Config{m.namespace: {}},
	})
	require.NoError(t, err)
	informer, err := c.GetInformer(t.Context(), &v1alpha1.Issue{}, crcache.BlockUntilSynced(false))
	require.NoError(t, err)
	f := newFollower("a cache of controller-runtime")
	_, err = informer.AddEventHandler(f)
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := c.Start(t.Context()); err != nil {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.wrong = append(f.wrong, err.Error())
		}
	}()
	t.Cleanup(func() { <-done })
	return f
}
