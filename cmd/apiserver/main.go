// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

// kite-apiserver serves Kite's API groups from PostgreSQL.
package main

import (
	"os"

	"kite.dev/kite/cmd/apiserver/app"
)

func main() {
	os.Exit(app.Run(app.NewCommand(), os.Stderr))
}
