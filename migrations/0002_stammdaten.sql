ALTER TABLE beteiligte
    -- Stammdaten as last agreed and as begun (B2a): {"fields": {...}, "begun": [...]}; null before the first run that compared them.
    ADD COLUMN stammdaten jsonb,
    -- A record without betnr that is being created in Advoware (B2b): {"state": "begun"} before the POST, {"state": "created", "betnr": n}
    -- after its answer; null before, and once EspoCRM has the number.
    ADD COLUMN creation   jsonb,
    -- syncStatus that the last run left behind; null before the first.
    ADD COLUMN status     text,
    -- When EspoCRM told that the record was deleted there. The base stays, should it be restored.
    ADD COLUMN deleted_at timestamptz;

-- For the scan's daily look at what is in agreement.
CREATE INDEX beteiligte_clean_by_look ON beteiligte (looked_at, espo_id) WHERE status = 'clean' AND deleted_at IS NULL;

-- The Stammdaten field that an entry is about; null for Kommunikationen.
ALTER TABLE sync_audit ADD COLUMN field text;
DROP INDEX sync_audit_untold;
CREATE INDEX sync_audit_untold ON sync_audit (espo_id)
    WHERE rule IN ('overwritten_by_espo', 'overwritten_by_advoware') AND told_at IS NULL;

-- What an operator asked of one record: carried out by a worker under the record's lease, each once, oldest first. Holds ids, hashes
-- and sides, no values.
CREATE TABLE sync_request (
    id       uuid PRIMARY KEY,
    espo_id  text NOT NULL,
    kind     text NOT NULL CHECK (kind IN ('apply', 'restore', 'decide')),
    -- apply: hash of the plan; restore: id of the audit entry; decide: the side that wins.
    argument text NOT NULL,
    asked_at timestamptz NOT NULL,
    -- When it was carried out or refused, and what came of it.
    done_at  timestamptz,
    -- done, or refused with the reason in `answer`.
    outcome  text CHECK (outcome IN ('done', 'refused')),
    answer   text
);
CREATE INDEX sync_request_open ON sync_request (espo_id, asked_at) WHERE done_at IS NULL;
CREATE INDEX sync_request_by_time ON sync_request (asked_at);
