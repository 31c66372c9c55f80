-- What operators did in the console, by commands and over HTTP: written before it is done. Ids and kinds, no values.
CREATE TABLE operator_action (
    id      uuid PRIMARY KEY,
    at      timestamptz NOT NULL,
    -- console or http, and the address it came from; command, and the account that gave it.
    origin  text NOT NULL,
    -- From a closed list of the program.
    action  text NOT NULL,
    -- beteiligte or calendar; null: neither alone.
    flow    text CHECK (flow IN ('beteiligte', 'calendar')),
    -- Id of the record, Kürzel, or null where many are meant.
    entity  text,
    -- What else was chosen, e.g. an audit id or a side.
    detail  text,
    -- done or failed; null: begun, and what came of it is not known.
    outcome text CHECK (outcome IN ('done', 'failed'))
);
CREATE INDEX operator_action_by_time ON operator_action (at, id);
CREATE INDEX operator_action_by_entity ON operator_action (entity, at) WHERE entity IS NOT NULL;

-- The console's lists and counts by status, and when the flow last succeeded.
CREATE INDEX beteiligte_by_status ON beteiligte (status, espo_id) WHERE deleted_at IS NULL;
CREATE INDEX beteiligte_by_agreement ON beteiligte (agreed_at) WHERE agreed_at IS NOT NULL;
CREATE INDEX beteiligte_with_findings ON beteiligte (espo_id) WHERE findings <> '[]' AND deleted_at IS NULL;
