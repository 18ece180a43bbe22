// SPDX-FileCopyrightText: The Kite Authors
// SPDX-License-Identifier: Apache-2.0

package mutation

var mutations = map[string]mutation{
	"a revision for every attempt": {
		reason: "refused writes burn revisions, as those of a sequence, and leave holes that look like lost events",
		file:   "sql/write.sql",
		old:    "base.rv + row_number() OVER (ORDER BY i) AS rv", new: "base.rv + i + 1 AS rv",
		test: "TestClaimsInOneBatch",
	},
	"newest revision without the lock": {
		reason: "two batches get the same revisions",
		file:   "writer.go",
		old:    "statements.Queue(lockSQL, e.lockKey)", new: `statements.Queue("SELECT $1::bigint", e.lockKey)`,
		test: "TestWritesWaitForTheLock",
	},
	"lock and batch of one snapshot": {
		reason: "the batch's snapshot is older than the lock that it waited for",
		file:   "writer.go",
		old:    "statements.Queue(lockSQL, e.lockKey)",
		new:    `statements.Queue("SELECT $1::bigint, set_config('transaction_isolation', 'repeatable read', true)", e.lockKey); statements.Queue(lockSQL, e.lockKey)`,
		test:   "TestClaimHasOneWinnerAmongManyCreators",
	},
	"not written while the backend waits": {
		reason: "a write is answered as not made, and is made when its backend gets the lock",
		file:   "writer.go",
		old:    "if gone, err := e.endBackend(ctx, lost); err != nil || !gone {", new: "if err := ctx.Err(); err != nil {",
		test: "TestOutcomeOfABatchThatWaits",
	},
	"objects only in the feed": {
		reason: "a feed that lags shows a newer version under an older revision",
		file:   "sql/tail.sql",
		old:    "coalesce(n.prev_value, o.value)", new: "o.value",
		test: "TestFeedThatLagsShowsEachVersion",
	},
	"objects only in history": {
		reason: "a watch that resumes shows a newer version under an older revision",
		file:   "sql/history.sql",
		old:    "coalesce(n.prev_value, o.value)", new: "o.value",
		test: "TestWatchInvariants",
	},
	"bookmark out of band": {
		reason: "a bookmark says that everything was sent, and older events follow",
		file:   "watch.go",
		old:    "return w.sendBookmark(rev, func(runtime.Object) error { return nil })",
		new:    "return w.sendBookmark(max(rev, w.store.engine.known.Load()), func(runtime.Object) error { return nil })",
		test:   "TestWatchInvariants",
	},
	"prefilter on undo images": {
		reason: "a page at an older revision misses objects that were selected then and are not now",
		file:   "sql/list_exact.sql",
		old:    "FROM events e\n             WHERE e.key >= $1",
		new: "FROM events e\n             WHERE (e.key IN (SELECT o.key FROM %[1]s o) OR e.key NOT IN (SELECT key FROM objects))" +
			" AND e.key >= $1",
		test: "TestListsAtEveryRevision",
	},
	"prefilter on rows of an older server": {
		reason: "a list misses what a server has written that does not know the column",
		file:   "projection.go",
		old:    "since > 0 {", new: "since < 0 {",
		test: "TestProjectionsOfTwoVersions",
	},
	"shape of a row's first writer": {
		reason: "a row that an older server has written last is taken for a newer one's",
		file:   "sql/project.sql",
		old:    "shape = excluded.shape, ", new: "",
		test: "TestProjectionsOfTwoVersions",
	},
	"newer schema at any price": {
		reason: "a server writes to a schema that a newer one has changed under it",
		file:   "migrate.go",
		old:    "|| oldest > want", new: "|| oldest < 0",
		test: "TestSchemaVersions",
	},
	"guard without a jump": {
		reason: "revisions that were lost in a failover are given out again for other changes",
		file:   "guard.go",
		old:    "if _, err := tx.Exec(ctx, jumpSQL, next, uuid.New()); err != nil {", new: "if _, err := next, error(nil); err != nil || uuid.Nil.Version() > 0 {",
		test: "TestGuardJumps",
	},
	"guard without a mark": {
		reason: "a lost tail goes unnoticed where the database's identity cannot be read",
		file:   "guard.go",
		old:    "	mark := e.known.Load()\n	id, read, err :=", new: "	mark := int64(0)\n	id, read, err :=",
		test: "TestGuardWithoutIdentity",
	},
	"trim of the newest": {
		reason: "the counter starts again from an older revision",
		file:   "sql/trim.sql",
		old:    " AND rv < (SELECT max(rv) FROM events)", new: "",
		test: "TestTrimAfterAJumpKeepsTheNewest",
	},
	"hole without an alarm": {
		reason: "events were lost and watches go on as if nothing had happened",
		file:   "feed.go",
		old:    "if next-1 > f.compacted {", new: "if next < 0 {",
		test: "TestHoleBreaksTheFeed",
	},
	"jump without 410": {
		reason: "watches that lost history are not told",
		file:   "feed.go",
		old:    "s.lost = s.lost || s.idle || s.cursor < f.compacted", new: "_ = s",
		test: "TestWatchThatLostHistoryGets410",
	},
	"claims for everybody": {
		reason: "two objects hold one claim: one problem is two issues",
		file:   "sql/write.sql",
		old:    "= ops.expect AND h.key IS NULL AS fits", new: "= ops.expect AS fits",
		test: "TestClaimIsHeldByOne",
	},
	"room for one more": {
		reason: "a folder holds more claims than its limit",
		file:   "sql/write.sql",
		old:    "coalesce(held, 0) + place > room", new: "coalesce(held, 0) + place > room + 1",
		test: "TestRoomOverEngines",
	},
	"room for each of a batch": {
		reason: "operations of one batch take the same place",
		file:   "sql/write.sql",
		old:    "coalesce(held, 0) + place > room", new: "coalesce(held, 0) + 1 > room",
		test: "TestRoomInOneBatch",
	},
	"claims that are given up count": {
		reason: "a folder is full of claims that nobody holds",
		file:   "sql/write.sql",
		old:    "WHERE change <> 0 GROUP BY", new: "WHERE change > 0 GROUP BY",
		test: "TestRoomOverEngines",
	},
	"journal of what was refused": {
		reason: "history tells what did not happen",
		file:   "projector.go",
		old:    "p.Journal.putSQL(inBatch)", new: `p.Journal.putSQL("$1::uuid IS NOT NULL")`,
		test: "TestJournalOfRefusedWrites",
	},
	"journal of what is encrypted": {
		reason: "history tells what encryption hides",
		file:   "state.go",
		old:    "st.stored != nil && !bytes.Equal(st.stored, st.data)", new: "st.stored != nil && bytes.Equal(st.stored, nil)",
		test: "TestJournalOfEncryptedObjects",
	},
	"mend of an older read": {
		reason: "a row goes back to what its object was",
		file:   "mend.go",
		old:    "(SELECT o.mod_rv FROM objects o WHERE o.key = t.key) = ($1::bigint[])[t.i]", new: "($1::bigint[])[t.i] > 0",
		test: "TestMendLosesNoRace",
	},
	"stale operations that came later": {
		reason: "a write is refused because of a version that another process has replaced since",
		file:   "queue.go",
		old:    "op.number > v.asOf || ", new: "",
		test: "TestQueueAsksForWhatCameLater",
	},
	"own batches in any order": {
		reason: "events of another process are told after later ones",
		file:   "recent.go",
		old:    "events[0].rev != f.pos+1", new: "events[0].rev <= f.pos",
		test: "TestFeedTakesOwnBatchesInOrderOnly",
	},
	"recent although something newer is known": {
		reason: "who wrote an object is offered an older one",
		file:   "recent.go",
		old:    " || f.pos < e.known.Load()", new: "",
		test: "TestRecentIsNeverOlderThanWhatIsKnown",
	},
	"reads that join what is under way": {
		reason: "a read answers with what was there before it was asked",
		file:   "sharedread.go",
		old:    "	r.waiting = nil\n		if a == nil {", new: "	if a == nil {",
		test: "TestSharedReadIsNeverOlderThanTheCall",
	},
	"settled on the primary alone": {
		reason: "a write is acknowledged that a failover to the synchronous standby loses",
		file:   "writer.go",
		old:    "const replicateSQL = \"SELECT pg_logical_emit_message(true, 'kite', '')\"", new: "const replicateSQL = \"SELECT 1\"",
		test: "TestWriteThatTheStandbyLacks", pkg: "../faults",
	},
}
