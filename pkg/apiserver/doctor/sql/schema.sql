-- Whether the role may look into the schema. No row: there is none of that name.
SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = $1
