// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"
)

// deployed is the environment that artifacts/base gives the pods.
var deployed = []string{"GOGC=400", "GOMEMLIMIT=300MiB"}

// process is a program beside the benchmark, as Linux sees it.
type process struct {
	address string
	pid     int
}

func (p process) read(b *testing.B, file string) string {
	b.Helper()
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.pid, file))
	require.NoError(b, err)
	return string(content)
}

// cpu is the processor time that the process has used, to a hundredth of a second.
func (p process) cpu(b *testing.B) time.Duration {
	b.Helper()
	stat := p.read(b, "stat")
	// The program's name is in parentheses and may hold spaces; utime is the 12th field after it.
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	user, err := strconv.Atoi(fields[11])
	require.NoError(b, err)
	system, err := strconv.Atoi(fields[12])
	require.NoError(b, err)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// peak is the most memory that the process has held, in MB of 10^6 bytes.
func (p process) peak(b *testing.B) float64 {
	b.Helper()
	_, after, found := strings.Cut(p.read(b, "status"), "VmHWM:")
	require.True(b, found)
	kibibytes, err := strconv.Atoi(strings.Fields(after)[0])
	require.NoError(b, err)
	return float64(kibibytes) * 1024 / 1e6
}

// reportMemory reports what the process holds and has held at most, and what of it lives.
func (p process) reportMemory(b *testing.B, component rest.Interface) {
	b.Helper()
	b.ReportMetric(p.peak(b), "peak-MB")
	measureHeap(b, component).report(b)
}
