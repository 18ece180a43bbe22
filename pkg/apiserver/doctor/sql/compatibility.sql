-- The version of the oldest programs that may use the schema.
SELECT oldest FROM compatibility
