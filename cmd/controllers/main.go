// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// kite-controllers runs the controllers that report and look after issues.
package main

import (
	"os"

	ctrl "sigs.k8s.io/controller-runtime"

	"kite.dev/kite/cmd/controllers/app"
	"kite.dev/kite/pkg/cli"
)

func main() {
	cmd := app.NewCommand()
	cmd.SetContext(ctrl.SetupSignalHandler())
	os.Exit(cli.Run(cmd, os.Stderr))
}
