// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"embed"
	"io/fs"
)

//go:embed sql/*.sql
var sqlFiles embed.FS

//go:embed migrations/*.sql
var migrationFiles embed.FS

// The statements that the engine runs, one file each.
var (
	completeSQL  = mustReadSQL("complete")
	markSQL      = mustReadSQL("mark")
	unmarkSQL    = mustReadSQL("unmark")
	writeSQL     = mustReadSQL("write")
	tailSQL      = mustReadSQL("tail")
	historySQL   = mustReadSQL("history")
	compactSQL   = mustReadSQL("compact")
	trimmableSQL = mustReadSQL("trimmable")
	trimSQL      = mustReadSQL("trim")
	expiredSQL   = mustReadSQL("expired")
	getSQL       = mustReadSQL("get")
	claimSQL     = mustReadSQL("claim")
	heldSQL      = mustReadSQL("held")
	staleSQL     = mustReadSQL("stale")
	recountSQL   = mustReadSQL("recount")
	forgetSQL    = mustReadSQL("forget")

	miscountedSQL = mustReadSQL("miscounted")
	revisionsSQL  = mustReadSQL("revisions")
	settleSQL     = mustReadSQL("settle")
	statsSQL      = mustReadSQL("stats")
	lagSQL        = mustReadSQL("lag")
	identitySQL   = mustReadSQL("identity")
	adoptSQL      = mustReadSQL("adopt")
	jumpSQL       = mustReadSQL("jump")
	projectSQL    = mustReadSQL("project")
	journalSQL    = mustReadSQL("journal")
	unprojectSQL  = mustReadSQL("unproject")
	listSQL       = mustReadSQL("list")
	listExactSQL  = mustReadSQL("list_exact")
)

func mustReadSQL(name string) string {
	text, err := fs.ReadFile(sqlFiles, "sql/"+name+".sql")
	if err != nil {
		panic(err)
	}
	return string(text)
}
