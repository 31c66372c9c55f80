-- Requests about one employee's calendar, carried out under the employee's lease as those about a record are under the record's.
ALTER TABLE sync_request ALTER COLUMN espo_id DROP NOT NULL;
ALTER TABLE sync_request ADD COLUMN kuerzel varchar(10);
ALTER TABLE sync_request ADD CONSTRAINT sync_request_about_one CHECK ((espo_id IS NULL) <> (kuerzel IS NULL));
ALTER TABLE sync_request DROP CONSTRAINT sync_request_kind_check;
-- remove_orphaned, remove_duplicates: the events and rows that are meant, as JSON: {"events": [...], "rows": [...]}.
ALTER TABLE sync_request ADD CONSTRAINT sync_request_kind_check
    CHECK (kind IN ('apply', 'restore', 'decide', 'remove_orphaned', 'remove_duplicates'));
CREATE INDEX sync_request_open_of_employee ON sync_request (kuerzel, asked_at) WHERE done_at IS NULL;
