-- The calendar's hub (C1): one row per pair of Termin and Google event, and what an employee's runs remember. Names, enums and partial
-- unique indexes are the seed's; what is added stands below them.
CREATE TYPE source_system_enum AS ENUM ('advoware', 'google');
CREATE TYPE sync_strategy_enum AS ENUM ('source_system_wins', 'last_change_wins');
CREATE TYPE sync_status_enum AS ENUM ('pending', 'synced', 'failed');

CREATE TABLE calendar_sync (
    sync_id                uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    employee_kuerzel       varchar(10) NOT NULL,
    -- The seed's INTEGER, widened.
    advoware_frnr          bigint,
    -- Ids that Google or other programs chose may have up to 1,024 characters (DOMAIN 6).
    google_event_id        varchar(1024),
    source_system          source_system_enum NOT NULL,
    -- Strategy and permission as the last write to the row found them; an employee's policy decides, not these.
    sync_strategy          sync_strategy_enum NOT NULL DEFAULT 'source_system_wins',
    sync_status            sync_status_enum NOT NULL DEFAULT 'synced',
    advoware_write_allowed boolean NOT NULL DEFAULT false,
    deleted                boolean NOT NULL DEFAULT false,
    -- Time of the last change as the source tells it, else when the row was last agreed.
    last_sync              timestamptz DEFAULT now(),
    created_at             timestamptz DEFAULT now(),

    -- Reach of the entry, for the window; no end: a series without end.
    starts_at              timestamptz NOT NULL,
    ends_at                timestamptz,
    -- What each side last answered, in the standard form: an anonymised or normalised copy differs from its original (C1).
    advoware_base          jsonb,
    google_base            jsonb,
    -- Version of the event, and time of the Termin's last change, then.
    google_etag            text,
    advoware_changed_at    timestamptz,
    -- What was begun and not confirmed (C3): {"kind": ..., "form": ...}.
    intent                 jsonb,
    -- Failures in a row, when the next try is due, and why the last one failed; no values.
    retry_count            integer NOT NULL DEFAULT 0,
    next_retry_at          timestamptz,
    reason                 text,
    -- The run that wrote the row last: one that has lost its employee to another must not write over what that one stored.
    run_id                 uuid NOT NULL
);
CREATE UNIQUE INDEX idx_calendar_sync_advoware ON calendar_sync (employee_kuerzel, advoware_frnr)
    WHERE advoware_frnr IS NOT NULL AND deleted = FALSE;
CREATE UNIQUE INDEX idx_calendar_sync_google ON calendar_sync (employee_kuerzel, google_event_id)
    WHERE google_event_id IS NOT NULL AND deleted = FALSE;
CREATE INDEX calendar_sync_by_reach ON calendar_sync (employee_kuerzel, starts_at) WHERE deleted = FALSE;
CREATE INDEX calendar_sync_by_frnr ON calendar_sync (advoware_frnr);
CREATE INDEX calendar_sync_by_event ON calendar_sync (google_event_id);

-- Every change that a run makes to either side, written before it does (K10, C11).
CREATE TABLE calendar_sync_audit (
    id               serial PRIMARY KEY,
    sync_id          uuid NOT NULL,
    action           varchar(10) NOT NULL CHECK (action IN ('INSERT', 'UPDATE', 'DELETE')),
    timestamp        timestamptz DEFAULT now(),

    -- Name of the entry for commands; all entries of one run share its id.
    audit_id         uuid NOT NULL UNIQUE,
    run_id           uuid NOT NULL,
    employee_kuerzel varchar(10) NOT NULL,
    -- The side that is written to, and its entry there where it has a number yet.
    target           text NOT NULL CHECK (target IN ('advoware', 'google')),
    advoware_frnr    bigint,
    google_event_id  varchar(1024),
    -- Why: name of the plan's step, e.g. update_event.
    rule             text NOT NULL,
    -- What that side said before and is to say: the standard form; null where there is nothing.
    before           jsonb,
    after            jsonb,
    -- When the change was confirmed; null: it was begun, and what came of it is in a later entry or not known.
    confirmed_at     timestamptz
);
CREATE INDEX calendar_sync_audit_by_row ON calendar_sync_audit (sync_id, id);
CREATE INDEX calendar_sync_audit_by_employee ON calendar_sync_audit (employee_kuerzel, id);
CREATE INDEX calendar_sync_audit_by_time ON calendar_sync_audit (timestamp);

-- One employee: policy, calendar, and what the next run has to know of the last.
CREATE TABLE calendar_employee (
    kuerzel                varchar(10) PRIMARY KEY,
    enabled                boolean NOT NULL DEFAULT true,
    -- No longer in Advoware's list (disabled, not deleted), since when.
    departed_at            timestamptz,
    -- Policy; null: what the settings say.
    sync_strategy          sync_strategy_enum,
    advoware_write_allowed boolean,
    anonymize              boolean,
    -- When a person, or a trigger, last decided on it: an older trigger must not lift it.
    anonymize_set_at       timestamptz,
    -- The calendar, once found, created or given by a person, and the account that is known to share it.
    calendar_id            text,
    calendar_is_given      boolean NOT NULL DEFAULT false,
    shared_with            text,
    -- The calendar that the rows are of: another one's silence is no evidence about them (C4).
    rows_of_calendar       text,
    -- Google's list of changes continues here; only good for the policy under which it was taken.
    sync_token             text,
    token_policy           text,
    full_list_at           timestamptz,
    -- An entirely empty list counts only when the next run sees it too (C4).
    advoware_was_empty     boolean NOT NULL DEFAULT false,
    google_was_empty       boolean NOT NULL DEFAULT false,
    -- Deletions that the last run held (C4), and what else it found: [{"kind", "frNr", "event", "reason"}], no values.
    held_deletions         integer NOT NULL DEFAULT 0,
    findings               jsonb NOT NULL DEFAULT '[]',
    -- When the producer last asked for a run, when one last looked, and when one last ended with nothing left to do.
    scheduled_at           timestamptz,
    looked_at              timestamptz,
    synced_at              timestamptz
);
