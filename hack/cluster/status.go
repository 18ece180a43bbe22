// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
)

// status lists each daemon with its pid, resident memory and log file.
func (c *cluster) status() error {
	pids, err := filepath.Glob(c.path("pids", "*"))
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tPID\tMEMORY\tLOG")
	for _, file := range pids {
		p := c.daemon(filepath.Base(file), "")
		pid, _ := p.running()
		if pid == 0 {
			fmt.Fprintf(w, "%s\tstopped\t\t%s\n", p.name, p.logFile())
			continue
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", p.name, pid, residentMemory(pid), p.logFile())
	}
	return w.Flush()
}

func residentMemory(pid int) string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(data), "VmRSS:")
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(line)
}
