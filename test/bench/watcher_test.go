// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bufio"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/storage"

	"kite.dev/kite/pkg/storage/postgres"
	"kite.dev/kite/test/bench/workload"
)

// What tells the watcher's process which database to follow.
const (
	envDSN    = "KITE_BENCH_DSN"
	envSchema = "KITE_BENCH_SCHEMA"
)

// sighting is when an event was received, in nanoseconds of the machine's clock.
type sighting struct {
	Revision, At int64
}

// watchUntilTold is the other process: it says "ready" when its watch stands, reads from
// in the revision up to which it is wanted, and then writes all its sightings at once:
// nothing is written while it measures.
func watchUntilTold(ctx context.Context, in io.Reader, out io.Writer) error {
	store, err := followedStore(ctx)
	if err != nil {
		return err
	}
	current, err := store.GetCurrentResourceVersion(ctx)
	if err != nil {
		return err
	}
	w, err := store.Watch(ctx, store.Prefix, storage.ListOptions{
		ResourceVersion: strconv.FormatUint(current, 10), Recursive: true, Predicate: storage.Everything,
	})
	if err != nil {
		return err
	}
	defer w.Stop()
	fmt.Fprintln(out, "ready")
	last := make(chan int64, 1)
	go func() {
		var rev int64
		_, _ = fmt.Fscan(in, &rev) // 0 at the end of a parent that died, which ends this one
		last <- rev
	}()
	var seen []sighting
	for newest, until := int64(0), int64(math.MaxInt64); newest < until; {
		select {
		case until = <-last:
		case ev, ok := <-w.ResultChan():
			at := time.Now().UnixNano()
			if !ok {
				return errors.New("the watch ended")
			}
			newest = revisionOf(ev.Object)
			seen = append(seen, sighting{Revision: newest, At: at})
		}
	}
	return gob.NewEncoder(out).Encode(seen)
}

// followedStore lives as long as the process.
func followedStore(ctx context.Context) (*postgres.Store, error) {
	engine, err := postgres.Open(ctx, postgres.Config{DSN: os.Getenv(envDSN), Schema: os.Getenv(envSchema)})
	if err != nil {
		return nil, err
	}
	return postgres.NewStore(engine, workload.Plain().Store)
}

func revisionOf(obj runtime.Object) int64 {
	rv, err := storage.APIObjectVersioner{}.ObjectResourceVersion(obj)
	if err != nil {
		return 0
	}
	return int64(rv)
}

// watcher is the parent's end of that process.
type watcher struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// startWatcher returns when the process watches.
func startWatcher(b *testing.B, cfg postgres.Config) *watcher {
	b.Helper()
	cmd := again(b.Context(), roleWatcher, []string{envDSN + "=" + cfg.DSN, envSchema + "=" + cfg.Schema})
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	w := &watcher{cmd: cmd, in: in, out: bufio.NewReader(out)}
	line, err := w.out.ReadString('\n')
	require.NoError(b, err)
	require.Equal(b, "ready\n", line)
	return w
}

// sightings waits until the process has seen a revision, and for its end.
func (w *watcher) sightings(b *testing.B, until int64) []sighting {
	b.Helper()
	_, err := fmt.Fprintln(w.in, until)
	require.NoError(b, err)
	var seen []sighting
	require.NoError(b, gob.NewDecoder(w.out).Decode(&seen))
	require.NoError(b, w.cmd.Wait())
	return seen
}
