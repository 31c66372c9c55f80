-- The continuous check (`VERIFY_SYNC_HOURS`): of each record in agreement, when it is to be compared again and when it was last; what it differed in
-- then (a digest, no values; null: in nothing) and since when; and whether that has outlived what a sync would have settled. Until
-- `verify_claimed_until` one producer has it, or it is left alone.
ALTER TABLE beteiligte
    ADD COLUMN verify_due_at        timestamptz,
    ADD COLUMN verify_claimed_until timestamptz,
    ADD COLUMN verified_at          timestamptz,
    ADD COLUMN difference           text,
    ADD COLUMN differs_since        timestamptz,
    ADD COLUMN is_divergent         boolean NOT NULL DEFAULT false;
CREATE INDEX beteiligte_by_verify ON beteiligte (verify_due_at) WHERE status = 'clean' AND deleted_at IS NULL;
CREATE INDEX beteiligte_differing ON beteiligte (differs_since, espo_id) WHERE difference IS NOT NULL;

-- The same of each employee's calendar, with all entries that differed: [{"kind", "frNr", "event", "digest", "since", "isDivergent"}], no values.
ALTER TABLE calendar_employee
    ADD COLUMN verify_due_at        timestamptz,
    ADD COLUMN verify_claimed_until timestamptz,
    ADD COLUMN verified_at          timestamptz,
    ADD COLUMN differences          jsonb NOT NULL DEFAULT '[]';

-- rebuild_hub: no argument.
ALTER TABLE sync_request DROP CONSTRAINT sync_request_kind_check;
ALTER TABLE sync_request ADD CONSTRAINT sync_request_kind_check
    CHECK (kind IN ('apply', 'restore', 'decide', 'remove_orphaned', 'remove_duplicates', 'rebuild_hub'));
