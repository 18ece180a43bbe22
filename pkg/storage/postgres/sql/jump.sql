-- Moves the counter to $1 and makes everything before it unreadable.
WITH forgotten AS (
    UPDATE meta SET compact_rv = $1
)
INSERT INTO events (rv, prev_rv, batch, op, key) VALUES ($1, 0, $2, 'N', '')
