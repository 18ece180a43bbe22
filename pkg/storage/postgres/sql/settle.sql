-- What a batch wrote: its keys and revisions; none when it did not commit.
SELECT rv, key FROM events WHERE rv > $1 AND batch = $2 ORDER BY rv
