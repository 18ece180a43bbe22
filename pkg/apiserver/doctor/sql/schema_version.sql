-- The version that migrations have reached; fails when there was none.
SELECT version FROM schema_version
