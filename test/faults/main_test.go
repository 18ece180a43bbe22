// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// Package faults proves what storage promises while its parts fail: engines as separate
// processes, each behind a proxy, on a PostgreSQL server of the test's own, which is
// killed, promoted and restored. What clients and watches were told is recorded and
// checked afterwards: linearizability, revisions, watches, caches.
package faults

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
)

// engineEnv makes the test binary an engine process; it holds its engineConfig.
const engineEnv = "KITE_FAULTS_ENGINE"

func TestMain(m *testing.M) {
	if text := os.Getenv(engineEnv); text != "" {
		var cfg engineConfig
		err := json.Unmarshal([]byte(text), &cfg)
		if err == nil {
			err = serveEngine(cfg, os.Stdin, os.Stdout)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "engine:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	removeTemplate()
	os.Exit(code)
}
