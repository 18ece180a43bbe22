// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// kite-gateway takes webhooks of other systems and reports to Kite what they say.
package main

import (
	"fmt"
	"os"

	"k8s.io/component-base/cli"
	ctrl "sigs.k8s.io/controller-runtime"

	"kite.dev/kite/cmd/gateway/app"
)

func main() {
	cmd := app.NewCommand()
	cmd.SetContext(ctrl.SetupSignalHandler())
	if err := cli.RunNoErrOutput(cmd); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}
