-- Which database this is, which one the revisions were made by, and how far they go.
-- Fails on a standby, which is what it should do.
SELECT m.system_identifier, m.timeline, c.system_identifier,
       substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),
       (SELECT max(rv) FROM events)
FROM meta m, pg_control_system() c
