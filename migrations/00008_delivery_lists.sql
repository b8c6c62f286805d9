-- Lists of activities by what became of them. Only the states that few deliveries are in
-- had an index; for the others all activities were walked until a page was full, which
-- never happens where nothing is in that state: by default nothing is delivered to
-- Salesforce.

-- +goose Up
CREATE INDEX deliveries_listed ON deliveries (destination, state, occurred_at DESC, activity_id DESC);
DROP INDEX deliveries_open;

-- +goose Down
CREATE INDEX deliveries_open ON deliveries (state, occurred_at DESC, activity_id DESC) WHERE state IN ('pending', 'sending', 'failed');
DROP INDEX deliveries_listed;
