// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package issuesummary

import (
	"context"
	_ "embed" // the statements
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

//go:embed sql/producers.sql
var producersSQL string

//go:embed sql/forget.sql
var forgetSQL string

const (
	// noteInterval is how often replicas write down who has reported.
	noteInterval = time.Minute
	// maxNoted bounds what waits to be written; of more users nothing is noted.
	maxNoted = 10_000
	// maxName is how long, in bytes, the name of a user may be that is noted: an index
	// holds it.
	maxName = 1024
	// lastNote bounds the write of a server that stops.
	lastNote = 2 * time.Second
)

// Producers note who reports where. They write it down once a minute, so that a report
// costs no write of its own; a replica that is killed forgets its last minute.
type Producers struct {
	db    Database
	uids  func(namespace string) string
	clock clock.Clock

	mu    sync.Mutex
	noted map[producer]time.Time
}

type producer struct{ namespace, name string }

// NewProducers returns Producers, whose notes Run writes down.
func NewProducers(db Database, uids func(namespace string) string, clock clock.Clock) *Producers {
	return &Producers{db: db, uids: uids, clock: clock, noted: map[producer]time.Time{}}
}

// Note remembers that a user has reported. Names that no table can hold are left out:
// the notes of all users are written together.
func (p *Producers) Note(namespace, name string) {
	if len(name) > maxName || !utf8.ValidString(name) || strings.ContainsRune(name, 0) {
		return
	}
	key, now := producer{namespace, name}, p.clock.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.noted[key]; known || len(p.noted) < maxNoted {
		p.noted[key] = now
	}
}

// Run writes notes down until ctx ends, and then what is left.
func (p *Producers) Run(ctx context.Context) {
	for {
		timer := p.clock.NewTimer(noteInterval)
		select {
		case <-timer.C():
			p.log(ctx, p.write(ctx))
		case <-ctx.Done():
			timer.Stop()
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastNote)
			defer cancel()
			p.log(ctx, p.write(ctx))
			return
		}
	}
}

func (p *Producers) log(ctx context.Context, err error) {
	if err != nil {
		klog.FromContext(ctx).Info("Could not note who reports; will try again", "reason", err.Error())
	}
}

// write keeps the notes when it fails.
func (p *Producers) write(ctx context.Context) error {
	p.mu.Lock()
	noted := p.noted
	p.noted = map[producer]time.Time{}
	p.mu.Unlock()
	if len(noted) == 0 {
		return nil
	}
	var namespaces, uids, names []string
	var times []time.Time
	for key, at := range noted {
		namespaces, names, times = append(namespaces, key.namespace), append(names, key.name), append(times, at)
		uid := ""
		if p.uids != nil {
			uid = p.uids(key.namespace)
		}
		uids = append(uids, uid)
	}
	if err := p.db.Exec(ctx, producersSQL, namespaces, uids, names, times); err != nil {
		p.restore(noted)
		return fmt.Errorf("write who reports: %w", err)
	}
	return p.db.Exec(ctx, forgetSQL, p.clock.Now().AddDate(0, -months, 0))
}

func (p *Producers) restore(noted map[producer]time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, at := range noted {
		if newer, ok := p.noted[key]; !ok || newer.Before(at) {
			p.noted[key] = at
		}
	}
}
