-- Who serves: how many tables the role owns, and those that it may not read and write.
-- The server only reads schema_version and compatibility.
SELECT current_user,
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
       count(*) FILTER (WHERE c.relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)),
       coalesce(string_agg(c.relname, ', ' ORDER BY c.relname) FILTER (WHERE NOT (
           has_table_privilege(c.oid, 'SELECT') AND (c.relname IN ('schema_version', 'compatibility') OR (
           has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE') AND
           has_table_privilege(c.oid, 'DELETE'))))), '')
FROM pg_class c
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = to_regnamespace(quote_ident($1))
