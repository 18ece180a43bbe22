-- Issues that were stored before there was a table issues have no row in it, until they
-- are written again; the mark makes lists find them. Takes no lock on existing tables.
INSERT INTO incomplete_projections (name)
SELECT 'issues'
WHERE EXISTS (
    SELECT FROM objects o
    WHERE o.key >= '/issues.kite.dev/issues/' AND o.key < '/issues.kite.dev/issues0'
      AND NOT EXISTS (SELECT FROM issues i WHERE i.key = o.key)
)
ON CONFLICT DO NOTHING;
