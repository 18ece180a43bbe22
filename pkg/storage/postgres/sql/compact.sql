-- Makes the revisions below $1 unreadable, under the write lock. It is itself a
-- write: the counter moves by one, and every feed learns of it in order.
WITH moved AS (
    UPDATE meta SET compact_rv = $1 WHERE compact_rv < $1 RETURNING compact_rv
)
INSERT INTO events (rv, prev_rv, batch, op, key)
SELECT max(rv) + 1, 0, $2, 'N', '' FROM events HAVING EXISTS (SELECT FROM moved)
