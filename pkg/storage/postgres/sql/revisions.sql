SELECT (SELECT max(rv) FROM events), (SELECT compact_rv FROM meta)
