-- issue_producers: who reports issues in a namespace, and when his newest report came, to
-- about a minute. Replicas write what they have seen now and then, apart from all other
-- writes. Takes no lock on existing tables.
CREATE TABLE issue_producers (
    namespace     text COLLATE "C" NOT NULL,
    name          text COLLATE "C" NOT NULL,
    -- The namespace's; one that is made anew has no producers. Empty while it is not known.
    namespace_uid text COLLATE "C" NOT NULL,
    last_report   timestamptz NOT NULL,
    PRIMARY KEY (namespace, name)
) WITH (fillfactor = 50);
