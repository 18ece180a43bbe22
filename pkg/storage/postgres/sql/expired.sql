-- The objects whose time has come, for the sweeper.
SELECT key, mod_rv, claim FROM objects WHERE expires_at <= now() ORDER BY expires_at LIMIT $1
