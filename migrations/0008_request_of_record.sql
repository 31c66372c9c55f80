-- The console's timeline of a record shows what was asked of it, answered or not.
CREATE INDEX sync_request_of_record ON sync_request (espo_id, asked_at) WHERE espo_id IS NOT NULL;
