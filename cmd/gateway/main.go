// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// kite-gateway takes webhooks of other systems and reports to Kite what they say.
package main

import (
	"os"

	ctrl "sigs.k8s.io/controller-runtime"

	"kite.dev/kite/cmd/gateway/app"
	"kite.dev/kite/pkg/cli"
)

func main() {
	cmd := app.NewCommand()
	cmd.SetContext(ctrl.SetupSignalHandler())
	os.Exit(cli.Run(cmd, os.Stderr))
}
