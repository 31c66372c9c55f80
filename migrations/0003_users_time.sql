-- EspoCRM's modifiedAt before we showed a failure on a record of which nothing is agreed yet: showing it moves modifiedAt, and the first
-- comparison of the Stammdaten goes by it (DOMAIN 4). Null once something is agreed.
ALTER TABLE beteiligte ADD COLUMN users_modified_at timestamptz;
