-- Summaries read the history of a namespace from this index alone: its rows lie scattered
-- over all of the table. Writes wait while the index is built, lists do not.
SET LOCAL lock_timeout = '3s';
CREATE INDEX issue_episodes_namespace_resolved ON issue_episodes (namespace, resolved_at) INCLUDE (namespace_uid, opened_at);
DROP INDEX issue_episodes_namespace;
