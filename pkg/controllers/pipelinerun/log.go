// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package pipelinerun

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
)

const (
	// logLines and logBytes bound what the kubelet sends.
	logLines = 2000
	logBytes = 8 << 20
	// maxExcerpt is what an issue keeps of a log.
	maxExcerpt = 8 << 10
)

// PodLogs reads logs of pods.
type PodLogs struct {
	// Pods needs the right to get pods/log.
	Pods corev1client.PodsGetter
	// Bytes is how much of a log's end is kept.
	Bytes int
}

var _ LogReader = (*PodLogs)(nil)

// Tail implements LogReader.
func (l *PodLogs) Tail(ctx context.Context, namespace, pod, container string) (string, error) {
	lines, bytes := int64(logLines), int64(logBytes)
	stream, err := l.Pods.Pods(namespace).GetLogs(pod, &corev1.PodLogOptions{
		Container: container, TailLines: &lines, LimitBytes: &bytes,
	}).Stream(ctx)
	if err != nil {
		return "", fmt.Errorf("read log of pod %s/%s: %w", namespace, pod, err)
	}
	defer func() { _ = stream.Close() }()
	end := &tail{limit: l.Bytes}
	if _, err := io.Copy(end, stream); err != nil {
		return "", fmt.Errorf("read log of pod %s/%s: %w", namespace, pod, err)
	}
	return end.String(), nil
}

// tail keeps the last bytes that are written to it.
type tail struct {
	limit int
	kept  []byte
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - t.limit; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}

// String leaves out what may be half a line, in which half a credential would not be
// known as one.
func (t *tail) String() string {
	text := string(t.kept)
	if len(t.kept) == t.limit {
		_, text, _ = strings.Cut(text, "\n")
	}
	return text
}

// logOf is the end of the log of the first step that failed, without credentials. A log
// that cannot be read is none: the failure is reported all the same.
func (r *Reconciler) logOf(ctx context.Context, run *tektonv1.PipelineRun, tasks []failedTask) string {
	logs := r.config.Logs
	if logs == nil || len(tasks) == 0 || tasks[0].step == nil || tasks[0].step.interrupted || tasks[0].pod == "" {
		return ""
	}
	text, err := r.patience.read(ctx, r.clock.Now(), func(ctx context.Context) (string, error) {
		return logs.Tail(ctx, run.Namespace, tasks[0].pod, tasks[0].step.container)
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		ctrl.LoggerFrom(ctx).V(1).Info("Log is not read", "reason", err.Error())
	}
	return redact(withoutColours(printable(text)))
}

// excerpt is the end of a log, in whole lines where there are any.
func excerpt(log string) string {
	if len(log) <= maxExcerpt {
		return log
	}
	end := log[len(log)-maxExcerpt:]
	if _, whole, _ := strings.Cut(end, "\n"); whole != "" {
		return whole
	}
	return printable(end)
}
