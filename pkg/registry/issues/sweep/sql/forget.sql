-- Forgets episodes that ended before $1, at most $2, and says how many.
WITH forgotten AS (
    DELETE FROM issue_episodes
    WHERE (uid, episode) IN (
        SELECT uid, episode FROM issue_episodes WHERE resolved_at < $1 LIMIT $2
    )
    RETURNING 1
)
SELECT count(*) FROM forgotten
