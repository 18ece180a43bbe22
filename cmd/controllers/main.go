// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// kite-controllers runs the controllers that report and look after issues.
package main

import (
	"fmt"
	"os"

	"k8s.io/component-base/cli"
	ctrl "sigs.k8s.io/controller-runtime"

	"kite.dev/kite/cmd/controllers/app"
)

func main() {
	cmd := app.NewCommand()
	cmd.SetContext(ctrl.SetupSignalHandler())
	if err := cli.RunNoErrOutput(cmd); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}
