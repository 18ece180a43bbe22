-- shape: how many additions of columns the writer of a row knew. What it did not know may
-- be out of date in the row. Takes a lock on issues for which running lists are waited
-- for, and later ones wait, so it gives up soon.
SET LOCAL lock_timeout = '3s';
ALTER TABLE issues ADD COLUMN shape smallint NOT NULL DEFAULT 0;

-- Older programs would leave the shape of the rows that they write as it is.
UPDATE compatibility SET oldest = 6;
