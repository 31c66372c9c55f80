-- The calendar's hub: one row per Termin and Google event that belong together (C1). Names, enums and partial indexes are the
-- contract's; everything below `created_at` is ours.
CREATE TYPE source_system_enum AS ENUM ('advoware', 'google');
CREATE TYPE sync_strategy_enum AS ENUM ('source_system_wins', 'last_change_wins');
CREATE TYPE sync_status_enum AS ENUM ('pending', 'synced', 'failed');

-- An employee: whose calendar it is, and how it is synced. Null is the firm's setting.
CREATE TABLE calendar_employee (
    kuerzel                varchar(10) PRIMARY KEY,
    -- Google's id of the calendar: found, created once, or given by a person. Creating costs a quota that is never given back.
    calendar_id            text,
    calendar_is_given      boolean NOT NULL DEFAULT false,
    sync_strategy          sync_strategy_enum,
    advoware_write_allowed boolean,
    anonymize              boolean,
    enabled                boolean NOT NULL DEFAULT true,
    -- No longer in Advoware's list: disabled, nothing is deleted.
    departed_at            timestamptz,
    -- Google's changes since this token are not applied yet; null: the next run asks for everything.
    sync_token             text,
    full_list_at           timestamptz,
    -- The last run's list was empty although rows were known: the next empty one counts as evidence (C4).
    advoware_was_empty     boolean NOT NULL DEFAULT false,
    google_was_empty       boolean NOT NULL DEFAULT false,
    held_deletions         integer NOT NULL DEFAULT 0,
    -- What the last run found: [{"kind", "syncId"}], no values.
    findings               jsonb NOT NULL DEFAULT '[]',
    looked_at              timestamptz
);

CREATE TABLE calendar_sync (
    sync_id                uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    employee_kuerzel       varchar(10) NOT NULL,
    advoware_frnr          integer,
    google_event_id        varchar(255),
    source_system          source_system_enum NOT NULL,
    sync_strategy          sync_strategy_enum NOT NULL DEFAULT 'source_system_wins',
    sync_status            sync_status_enum NOT NULL DEFAULT 'synced',
    advoware_write_allowed boolean NOT NULL DEFAULT false,
    deleted                boolean NOT NULL DEFAULT false,
    last_sync              timestamptz DEFAULT now(),
    created_at             timestamptz DEFAULT now(),
    -- Reach, for the window; the end of a series without end is null.
    starts_at              timestamptz,
    ends_at                timestamptz,
    -- Standard form of each side as that side last answered it (C1): a copy that was anonymised or normalised differs from its original.
    advoware_base          jsonb,
    google_base            jsonb,
    -- Versions as last seen or written; shortcuts, content decides (C6).
    google_etag            text,
    advoware_changed_at    timestamptz,
    -- What a run has begun and not confirmed: {"step", "content"} (C3).
    intent                 jsonb,
    retry_count            integer NOT NULL DEFAULT 0,
    next_retry_at          timestamptz,
    -- Why the last try failed: a kind, no values.
    reason                 text
);
CREATE UNIQUE INDEX idx_calendar_sync_advoware ON calendar_sync (employee_kuerzel, advoware_frnr)
    WHERE advoware_frnr IS NOT NULL AND deleted = FALSE;
CREATE UNIQUE INDEX idx_calendar_sync_google ON calendar_sync (employee_kuerzel, google_event_id)
    WHERE google_event_id IS NOT NULL AND deleted = FALSE;
-- A run loads the rows of one employee whose reach meets the window.
CREATE INDEX calendar_sync_by_employee ON calendar_sync (employee_kuerzel, starts_at) WHERE deleted = FALSE;

-- One entry per operation, in the transaction of its row (C11).
CREATE TABLE calendar_sync_audit (
    id               serial PRIMARY KEY,
    sync_id          uuid NOT NULL,
    action           varchar(10) NOT NULL CHECK (action IN ('INSERT', 'UPDATE', 'DELETE')),
    timestamp        timestamptz DEFAULT now(),
    -- The name under which commands know it.
    audit_id         uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    run_id           uuid,
    employee_kuerzel varchar(10),
    -- The side that was written to; null for the hub alone.
    target           source_system_enum,
    -- Why: the case of C5's table, or the command.
    rule             text,
    before           jsonb,
    after            jsonb
);
CREATE INDEX calendar_sync_audit_by_row ON calendar_sync_audit (sync_id, id);
CREATE INDEX calendar_sync_audit_by_time ON calendar_sync_audit (timestamp);
