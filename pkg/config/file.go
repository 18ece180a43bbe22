// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/runtime"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// interval is how often a file is read. A ConfigMap takes up to a minute longer to reach a
// pod.
const interval = 5 * time.Second

// Rules are what a program says of its configuration.
type Rules[T any] struct {
	// Override puts in what the command line says, which wins over the file. Optional.
	Override func(T)
	// Validate returns all that is wrong with a defaulted configuration.
	Validate func(T) error
	// CanReload says why the running process cannot go from one configuration to another;
	// nil when it can.
	CanReload func(from, to T) error
	// Apply takes a configuration over, at start and then whenever it changes. It is never
	// called twice at a time.
	Apply func(T) error
}

// File is a configuration that is read from a file and follows it.
type File[T runtime.Object] struct {
	path    string
	rules   Rules[T]
	current atomic.Pointer[T]
	// seen is what was read last, refusal why it is not in force, empty when it is.
	seen    []byte
	refusal atomic.Pointer[string]
}

// Load reads a file. Without a path the configuration is what empty returns, with defaults.
func Load[T runtime.Object](path string, empty func() T, rules Rules[T]) (*File[T], error) {
	f := &File[T]{path: path, rules: rules}
	if path == "" {
		configuration := empty()
		Default(configuration)
		if err := f.check(configuration, nil); err != nil {
			return f, err
		}
		return f, f.take(configuration)
	}
	data, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	configuration, err := f.decode(data)
	if err != nil {
		return nil, err
	}
	f.seen = data
	return f, f.take(configuration)
}

// LastReload is a gauge: 1 when what the file says is in force, 0 when it was refused.
func (f *File[T]) LastReload() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "kite_config_last_reload_successful",
		Help: "Whether what the configuration file says is in force: 0 after a change that was refused.",
	}, func() float64 {
		if f.refusal.Load() != nil {
			return 0
		}
		return 1
	})
}

// ServeHTTP shows what is in force, as YAML that a file could have.
func (f *File[T]) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	data, err := encode(f.Current())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(data)
}

// Current is what is in force. It must not be changed.
func (f *File[T]) Current() T { return *f.current.Load() }

// Follow reads the file again and again until ctx ends.
func (f *File[T]) Follow(ctx context.Context, clock clock.WithTicker) {
	if f.path == "" {
		return
	}
	ticker := clock.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C():
			f.reload(ctx)
		}
	}
}

// reload tells each mistake once, not at each reading.
func (f *File[T]) reload(ctx context.Context) {
	data, err := readFile(f.path)
	if err == nil && bytes.Equal(data, f.seen) && f.refusal.Load() == nil {
		return
	}
	if err == nil {
		err = f.change(data)
	}
	log := klog.FromContext(ctx).WithValues("file", f.path)
	if err != nil {
		reason := err.Error()
		if told := f.refusal.Swap(&reason); told == nil || *told != reason {
			log.Error(err, "The changed configuration is not used; what was in force stays")
		}
		return
	}
	f.refusal.Store(nil)
	f.seen = data
	log.Info("The changed configuration is used")
}

func (f *File[T]) change(data []byte) error {
	configuration, err := f.decode(data)
	if err != nil {
		return err
	}
	if err := f.rules.CanReload(f.Current(), configuration); err != nil {
		return err
	}
	return f.take(configuration)
}

func (f *File[T]) decode(data []byte) (T, error) {
	configuration, err := decode[T](data)
	if err != nil && !runtime.IsStrictDecodingError(err) {
		return configuration, fmt.Errorf("configuration %s: %w", f.path, err)
	}
	return configuration, f.check(configuration, err)
}

// check puts in what the command line says, and returns all that is wrong: what was found
// before as well.
func (f *File[T]) check(configuration T, found error) error {
	if f.rules.Override != nil {
		f.rules.Override(configuration)
	}
	if err := utilerrors.NewAggregate([]error{found, f.rules.Validate(configuration)}); err != nil {
		return fmt.Errorf("configuration %s: %w", f.path, err)
	}
	return nil
}

func (f *File[T]) take(configuration T) error {
	if err := f.rules.Apply(configuration); err != nil {
		return fmt.Errorf("apply configuration %s: %w", f.path, err)
	}
	f.current.Store(&configuration)
	return nil
}
