-- Marks projection $1 as incomplete, under the write lock.
INSERT INTO incomplete_projections (name) VALUES ($1) ON CONFLICT DO NOTHING
