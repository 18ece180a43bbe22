-- The primary key of issues with what most selectors ask for, so that a list of one
-- namespace selects within a few pages of the index: its rows lie scattered over as many
-- pages as there are rows. All these columns have an index of their own, or never change,
-- so no update is dearer for it. Writes wait while the index is built, lists do not.
SET LOCAL lock_timeout = '3s';
CREATE UNIQUE INDEX issues_by_key ON issues (key) INCLUDE (state, severity, type, stage, application, component);
ALTER TABLE issues
    DROP CONSTRAINT issues_pkey,
    ADD CONSTRAINT issues_pkey PRIMARY KEY USING INDEX issues_by_key;
