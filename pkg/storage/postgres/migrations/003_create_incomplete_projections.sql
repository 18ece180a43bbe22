-- incomplete_projections: the tables beside objects, such as issues, that lack a row for
-- some object, because it is stored encrypted. Lists do not select by them. Takes no
-- lock on existing tables.
CREATE TABLE incomplete_projections (
    name text COLLATE "C" PRIMARY KEY
);
