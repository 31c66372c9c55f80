-- Two accounts instead of one that may do everything, in the database of the hub. As its superuser, after every `migrate`, the first included:
--
--   psql -v ON_ERROR_STOP=1 -d <database> < scripts/postgres-roles.sql
--
-- and once: `\password kanzleisync_migrate`, `\password kanzleisync_program`. From then on `migrate` logs in as kanzleisync_migrate, which owns the
-- tables, and producer and workers as kanzleisync_program, which may read and write them as the programs do, and nothing else. Safe to repeat;
-- passwords stay.
DO $$
DECLARE
    owned record;
BEGIN
    IF to_regrole('kanzleisync_migrate') IS NULL THEN
        CREATE ROLE kanzleisync_migrate LOGIN;
    END IF;
    IF to_regrole('kanzleisync_program') IS NULL THEN
        CREATE ROLE kanzleisync_program LOGIN;
    END IF;
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    -- What another account has migrated so far.
    FOR owned IN
        SELECT oid::regclass AS name FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
          AND relname IN ('_sqlx_migrations', 'beteiligte', 'sync_audit', 'sync_request', 'calendar_sync', 'calendar_sync_audit',
                          'calendar_employee', 'operator_action')
    LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO kanzleisync_migrate', owned.name);
        EXECUTE format('REVOKE ALL ON TABLE %s FROM PUBLIC, kanzleisync_program', owned.name);
    END LOOP;
    FOR owned IN
        SELECT oid::regtype AS name FROM pg_type
        WHERE typtype = 'e' AND typnamespace = 'public'::regnamespace
          AND typname IN ('source_system_enum', 'sync_strategy_enum', 'sync_status_enum')
    LOOP
        EXECUTE format('ALTER TYPE %s OWNER TO kanzleisync_migrate', owned.name);
    END LOOP;
END
$$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC, kanzleisync_program;
GRANT USAGE, CREATE ON SCHEMA public TO kanzleisync_migrate;
GRANT USAGE ON SCHEMA public TO kanzleisync_program;

-- Which version the tables have.
GRANT SELECT ON _sqlx_migrations TO kanzleisync_program;
GRANT SELECT, INSERT, UPDATE, DELETE ON beteiligte, sync_request, calendar_sync TO kanzleisync_program;
-- Employees who leave are kept.
GRANT SELECT, INSERT, UPDATE ON calendar_employee TO kanzleisync_program;
-- What an audit entry says is never changed: only that people were told of it, or that it was confirmed and of which entry. Retention and
-- `erase` delete.
GRANT SELECT, INSERT, DELETE ON sync_audit, calendar_sync_audit TO kanzleisync_program;
GRANT SELECT, INSERT, DELETE ON operator_action TO kanzleisync_program;
GRANT UPDATE (outcome) ON operator_action TO kanzleisync_program;
GRANT UPDATE (told_at) ON sync_audit TO kanzleisync_program;
GRANT UPDATE (confirmed_at, advoware_frnr, google_event_id) ON calendar_sync_audit TO kanzleisync_program;
GRANT USAGE ON SEQUENCE calendar_sync_audit_id_seq TO kanzleisync_program;
