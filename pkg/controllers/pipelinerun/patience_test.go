// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// slow are logs that come after a while.
type slow time.Duration

func (s slow) Tail(ctx context.Context, _, _, _ string) (string, error) {
	select {
	case <-time.After(time.Duration(s)):
		return "text", nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// TestANodeDies: the runs of a node whose kubelet does not answer are all reported in time,
// by as many workers as there are by default.
func TestANodeDies(t *testing.T) {
	t.Parallel()
	const failures, workers = 200, 8
	runs := make(chan *tektonv1.PipelineRun, failures)
	var objects []client.Object
	for i := range failures {
		run := failing()
		run.Name, run.UID = fmt.Sprintf("run-%d", i), types.UID(fmt.Sprint(i))
		objects = append(objects, run, newTask(run, "build", step("compile", 1, "Error", ""), inPod("pod")))
		runs <- run
	}
	close(runs)
	synctest.Test(t, func(t *testing.T) {
		w, begin := newWorld(t, ended, objects...), time.Now()
		w.clock, w.config.Logs = clock.RealClock{}, slow(time.Hour)
		var working sync.WaitGroup
		for range workers {
			working.Go(func() {
				for run := range runs {
					_, _ = w.reconcile(t, run) // its report says whether it worked
				}
			})
		}
		working.Wait()
		require.Len(t, w.recorder.Reports(), failures)
		require.Less(t, time.Since(begin), 5*time.Second)
	})
}

func TestPatience(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &patience{}
		read := func(log slow) string {
			text, _ := p.read(t.Context(), time.Now(), func(ctx context.Context) (string, error) { return log.Tail(ctx, "", "", "") })
			return text
		}
		require.Equal(t, "text", read(slow(logTimeout-1)), "it may take a while")
		require.Empty(t, read(slow(logTimeout+1)))
		require.Empty(t, read(slow(hurriedTimeout+1)), "others wait for their reports")
		require.Equal(t, "text", read(slow(hurriedTimeout-1)), "a kubelet that is well")
		<-time.After(hurry - logTimeout)
		require.Equal(t, "text", read(slow(logTimeout-1)), "a log that took too long in a hurry says nothing")
	})
}
