-- What was last agreed on one Beteiligter (B2a): change is decided against it, by content.
CREATE TABLE beteiligte (
    espo_id          text PRIMARY KEY,
    -- Number in Advoware; null as long as the record has none.
    betnr            bigint,
    -- Both records never agreed yet: markers in Advoware may speak of another EspoCRM record.
    first_meeting    boolean NOT NULL DEFAULT false,
    -- Kommunikationen as agreed and as begun: {"rows": [...], "ahead": [...]}; null before the first run that had any.
    kommunikation    jsonb,
    -- Advoware's change token of the record, and EspoCRM's modifiedAt, when both sides were last in agreement.
    advoware_row_id  text,
    espo_modified_at timestamptz,
    agreed_at        timestamptz,
    -- What the last run found: [{"kind", "kommId"}], no values.
    findings         jsonb NOT NULL DEFAULT '[]',
    looked_at        timestamptz NOT NULL
);
-- Two EspoCRM records on one Beteiligter would overwrite each other for ever; the first one keeps it.
CREATE UNIQUE INDEX beteiligte_one_record_per_betnr ON beteiligte (betnr) WHERE betnr IS NOT NULL;

-- Every value that a sync overwrote or removed, written before it did (K10). The one place beside the base that holds values.
CREATE TABLE sync_audit (
    id        uuid PRIMARY KEY,
    -- All writes of one run share it.
    run_id    uuid NOT NULL,
    espo_id   text NOT NULL,
    betnr     bigint,
    -- The side that is written to.
    target    text NOT NULL CHECK (target IN ('espocrm', 'advoware')),
    -- Why: the rule's case, e.g. var5.
    rule      text NOT NULL,
    -- The Kommunikation in Advoware that it is about; null for one that is being created.
    komm_id   bigint,
    before    jsonb,
    after     jsonb,
    at        timestamptz NOT NULL,
    -- When people were told of a value that EspoCRM's overwrote, for entries that they are told of.
    told_at   timestamptz
);
CREATE INDEX sync_audit_by_entity ON sync_audit (espo_id, at);
CREATE INDEX sync_audit_by_time ON sync_audit (at);
CREATE INDEX sync_audit_untold ON sync_audit (espo_id) WHERE rule = 'overwritten_by_espo' AND told_at IS NULL;
