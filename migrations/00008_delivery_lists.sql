-- Lists of activities by what became of them. Only the states that few deliveries are in
-- had an index; for the others all activities were walked until a page was full, which
-- never happens where nothing is in that state: by default nothing is delivered to
-- Salesforce.
--
-- And the index by which people who arrive find the activities that name them by a
-- Salesforce id, which has 15 characters or 18.

-- +goose Up
CREATE INDEX deliveries_listed ON deliveries (destination, state, occurred_at DESC, activity_id DESC);
DROP INDEX deliveries_open;
CREATE INDEX activities_waiting_record ON activities (left(person_salesforce_id, 15)) WHERE person_id IS NULL AND person_salesforce_id IS NOT NULL;
DROP INDEX activities_waiting_salesforce;

-- +goose Down
CREATE INDEX activities_waiting_salesforce ON activities (person_salesforce_id) WHERE person_id IS NULL AND person_salesforce_id IS NOT NULL;
DROP INDEX activities_waiting_record;
CREATE INDEX deliveries_open ON deliveries (state, occurred_at DESC, activity_id DESC) WHERE state IN ('pending', 'sending', 'failed');
DROP INDEX deliveries_listed;
