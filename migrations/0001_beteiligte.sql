-- What was last agreed on one Beteiligte (B2a): change is decided against it, by content.
CREATE TABLE beteiligte (
    espo_id          text PRIMARY KEY,
    -- Number in Advoware; null as long as the record has none.
    betnr            bigint,
    -- Kommunikationen on which both sides agreed: [{"id", "kommKz", "value", "held"}]; null before the first agreement.
    kommunikation    jsonb,
    -- Advoware's change token of the record, and EspoCRM's modifiedAt, when both sides were last in agreement.
    advoware_row_id  text,
    espo_modified_at timestamptz,
    agreed_at        timestamptz,
    -- What the last run found: [{"kind", "kommId"}], no values.
    findings         jsonb NOT NULL DEFAULT '[]',
    looked_at        timestamptz NOT NULL
);

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
    at        timestamptz NOT NULL
);
CREATE INDEX sync_audit_by_entity ON sync_audit (espo_id, at);
CREATE INDEX sync_audit_by_time ON sync_audit (at);
