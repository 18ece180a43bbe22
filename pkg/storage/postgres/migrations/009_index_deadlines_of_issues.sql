-- Indexes of issues by state and deadline, which serves whoever asks for the state alone,
-- too; of those that were reopened, which are some; and of the rows whose writer did not
-- know all columns, which are few or none. Writes wait while the indexes are built, lists
-- do not.
SET LOCAL lock_timeout = '3s';
CREATE INDEX issues_state_deadline ON issues (state, deadline);
CREATE INDEX issues_reopened ON issues (reopened) WHERE reopened > 0;
CREATE INDEX issues_stale ON issues (key) WHERE shape < 1;
DROP INDEX issues_state;
