// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// kite-apiserver serves Kite's API groups from PostgreSQL.
package main

import (
	"os"

	"kite.dev/kite/cmd/apiserver/app"
	"kite.dev/kite/pkg/cli"
)

func main() {
	os.Exit(cli.Run(app.NewCommand(), os.Stderr))
}
