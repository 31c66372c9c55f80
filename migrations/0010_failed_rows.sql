-- Who has entries that could not be written: the console's producer asks once in ten seconds, and would else read every row of every
-- employee each time.
CREATE INDEX calendar_sync_failed ON calendar_sync (employee_kuerzel) WHERE deleted = FALSE AND sync_status = 'failed';
