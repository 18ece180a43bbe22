-- issues: what selectors of issues ask for, one row per issue, written in the
-- transaction that writes the object. It decides nothing: the object does. Empty
-- text stands for an absent field. Takes no lock on existing tables.
CREATE TABLE issues (
    key             text COLLATE "C" PRIMARY KEY,
    name            text NOT NULL,
    namespace       text NOT NULL,
    type            text NOT NULL,
    severity        text NOT NULL,
    stage           text NOT NULL,
    -- spec.key.
    problem_key     text NOT NULL,
    application     text NOT NULL,
    component       text NOT NULL,
    group_key       text NOT NULL,
    origin          text NOT NULL,
    scope_kind      text NOT NULL,
    scope_name      text NOT NULL,
    scope_namespace text NOT NULL,
    state           text NOT NULL,
    -- Of the runs in status.runs. Not indexed: they change with every report, and an
    -- index on them would end heap-only updates.
    run_names       text[] NOT NULL,
    run_uids        text[] NOT NULL,
    -- Title and description in lower case. Not indexed: a trigram index costs more
    -- than half of all writes, and the scan reads only rows that the other conditions
    -- leave.
    search_text     text NOT NULL
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

-- Every index is paid for inside the write lock, so there are eight, for questions
-- over all namespaces: a list of one namespace reads a range of keys instead. Of these
-- only state changes in an issue's everyday life; for all other writes an update stays
-- heap-only. What selects few rows is indexed only where it is set. stage,
-- problem_key, scope_kind and scope_namespace select too little alone, and come with
-- a column that is indexed.
CREATE INDEX issues_state ON issues (state);
CREATE INDEX issues_severity ON issues (severity);
CREATE INDEX issues_type ON issues (type);
CREATE INDEX issues_scope_name ON issues (scope_name);
CREATE INDEX issues_application ON issues (application) WHERE application <> '';
CREATE INDEX issues_component ON issues (component) WHERE component <> '';
CREATE INDEX issues_group_key ON issues (group_key) WHERE group_key <> '';
CREATE INDEX issues_origin ON issues (origin) WHERE origin <> '';
