-- Lists of activities by what became of them. Only the states that few deliveries are in
-- had an index; for the others all activities were walked until a page was full, which
-- never happens where nothing is in that state: by default nothing is delivered to
-- Salesforce. Deliveries have their kind for it, since what is skipped or delivered
-- depends on the kind before all.
--
-- And the index by which people who arrive find the activities that name them by a
-- Salesforce id, which has 15 characters or 18.

-- +goose Up
ALTER TABLE deliveries ADD COLUMN kind text;
COMMENT ON COLUMN deliveries.kind IS 'That of the activity, for lists; null for what is no activity''s.';
UPDATE deliveries d SET kind = a.kind FROM activities a WHERE a.id = d.activity_id;

-- The program of one version before writes no kind.
-- +goose StatementBegin
CREATE FUNCTION deliveries_kind() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT kind INTO NEW.kind FROM activities WHERE id = NEW.activity_id;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER deliveries_kind BEFORE INSERT ON deliveries FOR EACH ROW WHEN (NEW.kind IS NULL AND NEW.activity_id IS NOT NULL) EXECUTE FUNCTION deliveries_kind();

CREATE INDEX deliveries_listed ON deliveries (destination, state, kind, occurred_at DESC, activity_id DESC) WHERE kind IS NOT NULL;
DROP INDEX deliveries_open;
CREATE INDEX activities_waiting_record ON activities (left(person_salesforce_id, 15)) WHERE person_id IS NULL AND person_salesforce_id IS NOT NULL;
DROP INDEX activities_waiting_salesforce;

-- +goose Down
CREATE INDEX activities_waiting_salesforce ON activities (person_salesforce_id) WHERE person_id IS NULL AND person_salesforce_id IS NOT NULL;
DROP INDEX activities_waiting_record;
CREATE INDEX deliveries_open ON deliveries (state, occurred_at DESC, activity_id DESC) WHERE state IN ('pending', 'sending', 'failed');
DROP INDEX deliveries_listed;
DROP TRIGGER deliveries_kind ON deliveries;
DROP FUNCTION deliveries_kind();
ALTER TABLE deliveries DROP COLUMN kind;
