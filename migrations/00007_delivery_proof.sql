-- What is known of deliveries in doubt, of records that are gone from Salesforce, and
-- of reps' users that it refuses.

-- +goose Up

-- A row may have been sent in an earlier attempt and be there: as long as that is so,
-- it goes out again only with the same key in the same field.
ALTER TABLE deliveries ADD COLUMN proof_field text;
ALTER TABLE deliveries ADD COLUMN doubted_at timestamptz;
ALTER TABLE deliveries ADD COLUMN doubts int NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN doubts_left int;
ALTER TABLE deliveries ADD COLUMN error_times int NOT NULL DEFAULT 0;
COMMENT ON COLUMN deliveries.proof_field IS 'The field by which the Task that was sent can be found again, where one does it.';
COMMENT ON COLUMN deliveries.doubted_at IS 'When it was sent first of the attempts of which nobody knows what they did; null: it is surely not there.';
COMMENT ON COLUMN deliveries.doubts IS 'How much the attempts in a row that had no answer speak against this row: it goes with few others then, and at last alone.';
COMMENT ON COLUMN deliveries.doubts_left IS 'Attempts alone that it still has; at 0 it is parked once it is proven absent; null: as many as it likes.';
COMMENT ON COLUMN deliveries.error_times IS 'Attempts in a row that ended with error_code.';

-- Rows of before: what is in doubt was sent with a field that only the set-up of then
-- knew. The program takes the one in force for it.
UPDATE deliveries SET doubted_at = sent_at WHERE destination = 'salesforce' AND operation = 'create' AND state = 'sending' AND scheme IS NOT NULL;

ALTER TABLE deliveries DROP CONSTRAINT deliveries_hold_check;
ALTER TABLE deliveries ADD CONSTRAINT deliveries_hold_check CHECK (hold IN ('person', 'email', 'record', 'reread'));
COMMENT ON COLUMN deliveries.hold IS 'What it waits for: the person to arrive in the workspace or to be read again, the Task of its email, or the person''s record in Salesforce.';

ALTER TABLE salesforce_records ADD COLUMN gone boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN salesforce_records.gone IS 'An account or opportunity that takes no Tasks: deleted, or hidden from the connected user.';

ALTER TABLE salesforce_reps ADD COLUMN refused_at timestamptz;
ALTER TABLE salesforce_reps ADD COLUMN instance text;
COMMENT ON COLUMN salesforce_reps.refused_at IS 'When Salesforce did not take the user as an owner; a link of an admin stays, for them to see.';
COMMENT ON COLUMN salesforce_reps.instance IS 'The org that was asked: another one has other users.';

-- +goose Down

ALTER TABLE salesforce_reps DROP COLUMN instance, DROP COLUMN refused_at;
ALTER TABLE salesforce_records DROP COLUMN gone;
UPDATE deliveries SET hold = NULL WHERE hold = 'reread';
ALTER TABLE deliveries DROP CONSTRAINT deliveries_hold_check;
ALTER TABLE deliveries ADD CONSTRAINT deliveries_hold_check CHECK (hold IN ('person', 'email', 'record'));
COMMENT ON COLUMN deliveries.hold IS 'What it waits for: the person to arrive in the workspace, the Task of its email, or the person''s record in Salesforce.';
ALTER TABLE deliveries DROP COLUMN error_times, DROP COLUMN doubts_left, DROP COLUMN doubts, DROP COLUMN doubted_at, DROP COLUMN proof_field;
