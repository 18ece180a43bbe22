-- What groups, summaries and the passage of time ask for:
-- cause: spec.cause; opened_at: when the issue became Active last; reopened:
-- status.reopened; deadline: when the passage of time next changes an Active issue, null
-- for never, and for a Resolved one when it was resolved.
-- Takes a lock on issues for which running lists are waited for, and later ones wait, so
-- it gives up soon.
SET LOCAL lock_timeout = '3s';
ALTER TABLE issues
    ADD COLUMN cause text NOT NULL DEFAULT '',
    ADD COLUMN opened_at timestamptz,
    ADD COLUMN reopened int NOT NULL DEFAULT 0,
    ADD COLUMN deadline timestamptz;
