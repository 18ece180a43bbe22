// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Command consumer follows the issues of a namespace with a client that knows nothing of
// Kite: the dynamic informer of an old release of client-go. It prints what the informer
// tells it, one JSON object a line. One module can hold only one release of client-go,
// hence a module of its own.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

var issues = schema.GroupVersionResource{Group: "issues.kite.dev", Version: "v1alpha1", Resource: "issues"}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "consumer:", err)
		stop()
		os.Exit(1)
	}
}

// run follows until the context ends.
func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("usage: KUBECONFIG=FILE consumer NAMESPACE")
	}
	cfg, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return err
	}
	client, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return err
	}
	factory := dynamicinformer.NewFilteredDynamicSharedInformerFactory(client, 0, args[0], nil)
	registration, err := factory.ForResource(issues).Informer().AddEventHandler(printer{json.NewEncoder(out)})
	if err != nil {
		return err
	}
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), registration.HasSynced) {
		return ctx.Err()
	}
	<-ctx.Done()
	factory.Shutdown()
	return nil
}

// event is a line of output. Without a UID the object is gone.
type event struct {
	Name            string `json:"name"`
	UID             string `json:"uid,omitempty"`
	ResourceVersion string `json:"resourceVersion,omitempty"`
}

// printer writes what it is told. An informer calls its handler from one goroutine.
type printer struct{ out *json.Encoder }

func (p printer) OnAdd(obj any, _ bool) { p.print(obj) }

func (p printer) OnUpdate(_, obj any) { p.print(obj) }

// OnDelete may get a key in the object's place, when the informer missed the event itself.
func (p printer) OnDelete(obj any) {
	key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(obj)
	if err != nil {
		panic(err)
	}
	_, name, err := cache.SplitMetaNamespaceKey(key)
	if err != nil {
		panic(err)
	}
	p.write(event{Name: name})
}

func (p printer) print(obj any) {
	object, err := meta.Accessor(obj)
	if err != nil {
		panic(err)
	}
	p.write(event{Name: object.GetName(), UID: string(object.GetUID()), ResourceVersion: object.GetResourceVersion()})
}

// write ends the program when nobody reads it any more.
func (p printer) write(e event) {
	if err := p.out.Encode(e); err != nil {
		panic(err)
	}
}
