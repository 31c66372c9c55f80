-- The console's timeline of a calendar shows what was asked of it, answered or not.
CREATE INDEX sync_request_of_employee ON sync_request (kuerzel, asked_at) WHERE kuerzel IS NOT NULL;
