-- Makes this database the one that the revisions belong to.
UPDATE meta SET system_identifier = $1, timeline = $2
