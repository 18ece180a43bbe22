-- Whether the revisions were made by this database, on this timeline. Null: not recorded yet.
SELECT m.system_identifier = c.system_identifier
       AND m.timeline = substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),
       coalesce(m.timeline, '')
FROM meta m, pg_control_system() c
