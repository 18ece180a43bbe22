// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// watchOrder is what the process that watches over HTTP is told first.
type watchOrder struct {
	Server, Token string
	// Connections share the watches of Paths.
	Connections int
	Paths       []string
}

// watchOverHTTP is that process: it says true when all watches stand, reads how many
// deliveries are wanted since the last time, waits for them, and writes when each came.
// The end of in ends it.
func watchOverHTTP(ctx context.Context, in io.Reader, out io.Writer) error {
	from, to := gob.NewDecoder(in), gob.NewEncoder(out)
	var order watchOrder
	if err := from.Decode(&order); err != nil {
		return err
	}
	a := &audience{failed: make(chan error, len(order.Paths))}
	if err := a.start(ctx, order); err != nil {
		return err
	}
	if err := to.Encode(true); err != nil {
		return err
	}
	for {
		var wanted int
		if err := from.Decode(&wanted); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		seen, err := a.take(wanted)
		if err != nil {
			return err
		}
		if err := to.Encode(seen); err != nil {
			return err
		}
	}
}

// audience is all watches of the process.
type audience struct {
	// failed takes one error from each watch.
	failed chan error

	mu   sync.Mutex
	seen []sighting
	// wanted closes enough when so many have been seen.
	wanted int
	enough chan struct{}
}

func (a *audience) start(ctx context.Context, order watchOrder) error {
	clients := make([]*http.Client, order.Connections)
	for i := range clients {
		clients[i] = &http.Client{Transport: &http.Transport{
			ForceAttemptHTTP2: true,
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // the certificate is made at start
		}}
	}
	for i, path := range order.Paths {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, order.Server+path, http.NoBody)
		if err != nil {
			return err
		}
		request.Header.Set("Authorization", "Bearer "+order.Token)
		response, err := clients[i%len(clients)].Do(request) //nolint:bodyclose // follow closes it
		if err != nil {
			return err
		}
		go func() { a.failed <- a.follow(response) }()
	}
	return nil
}

// follow takes note of each event by its revision, and reads nothing else of it: what
// the client costs is taken from the server.
func (a *audience) follow(watch *http.Response) error {
	defer func() { _ = watch.Body.Close() }()
	if watch.StatusCode != http.StatusOK {
		return fmt.Errorf("watch %s: %s", watch.Request.URL, watch.Status)
	}
	lines := bufio.NewReaderSize(watch.Body, 16<<10)
	for newest := int64(0); ; {
		line, err := lines.ReadSlice('\n')
		at := time.Now().UnixNano()
		if err != nil {
			return fmt.Errorf("the watch ended: %w", err)
		}
		revision, err := revisionIn(line)
		if err != nil {
			return err
		}
		if revision <= newest {
			return fmt.Errorf("revision %d came after %d", revision, newest)
		}
		newest = revision
		a.add(sighting{Revision: revision, At: at})
	}
}

// revisionIn returns the first resourceVersion of an event, which is its object's.
func revisionIn(line []byte) (int64, error) {
	_, rest, ok := bytes.Cut(line, []byte(`"resourceVersion":"`))
	digits, _, closed := bytes.Cut(rest, []byte(`"`))
	if !ok || !closed || bytes.HasPrefix(line, []byte(`{"type":"ERROR"`)) {
		return 0, fmt.Errorf("want an event, got %s", line)
	}
	return strconv.ParseInt(string(digits), 10, 64)
}

func (a *audience) add(s sighting) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen = append(a.seen, s)
	if len(a.seen) == a.wanted {
		close(a.enough)
	}
}

// take waits until so many have been seen.
func (a *audience) take(wanted int) ([]sighting, error) {
	a.mu.Lock()
	a.wanted, a.enough = wanted, make(chan struct{})
	if len(a.seen) >= wanted {
		close(a.enough)
	}
	a.mu.Unlock()
	select {
	case <-a.enough:
	case err := <-a.failed:
		return nil, err
	case <-time.After(patience):
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.seen) < wanted {
		return nil, fmt.Errorf("saw %d deliveries of %d", len(a.seen), wanted)
	}
	seen := a.seen
	a.seen, a.wanted = nil, 0
	return seen, nil
}
