-- issue_episodes: one row for each time that an issue was Active and is no longer; written
-- in the transaction that resolves or deletes the issue. A row stays when its issue is
-- deleted: it is the history of issues. What is still Active is in the table issues.
-- Empty text stands for an absent field. Takes no lock on existing tables.
CREATE TABLE issue_episodes (
    -- The issue's, and how often it had been reopened: 0 is its first episode.
    uid           text COLLATE "C" NOT NULL,
    episode       int NOT NULL,
    opened_at     timestamptz NOT NULL,
    resolved_at   timestamptz NOT NULL,
    -- History belongs to a namespace's UID: one that is made anew starts empty. Empty
    -- while the server has not learnt it.
    namespace_uid text COLLATE "C" NOT NULL,
    namespace     text COLLATE "C" NOT NULL,
    name          text COLLATE "C" NOT NULL,
    type          text NOT NULL,
    severity      text NOT NULL,
    application   text NOT NULL,
    component     text NOT NULL,
    group_key     text NOT NULL,
    cause         text NOT NULL,
    -- Why it ended: the reason of the transition, or Deleted.
    reason        text NOT NULL,
    PRIMARY KEY (uid, episode)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.05);

-- Paid for inside the write lock, by the end of an episode alone.
CREATE INDEX issue_episodes_namespace ON issue_episodes (namespace_uid, resolved_at);
CREATE INDEX issue_episodes_group ON issue_episodes (group_key, resolved_at) WHERE group_key <> '';
-- Rows come in the order of time, so a few pages tell where to look.
CREATE INDEX issue_episodes_resolved ON issue_episodes USING brin (resolved_at) WITH (pages_per_range = 32, autosummarize = on);

-- claim_counts: how many objects of one folder, the key up to its last slash, hold a
-- claim; for issues, how many of a namespace are Active. The write statement keeps it,
-- and refuses what would exceed a limit. What an older server writes meanwhile is
-- counted again now and then, which is why nothing here forbids a wrong number.
CREATE TABLE claim_counts (
    folder text COLLATE "C" PRIMARY KEY,
    held   bigint NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 1000);

INSERT INTO claim_counts (folder, held)
SELECT left(key, -strpos(reverse(key), '/')), count(*) FROM objects WHERE claim IS NOT NULL GROUP BY 1;
