-- Reminder tasks of reps, kept the same in Salesforce.

-- +goose Up

-- A task holds the values as they are here. What Salesforce had when both sides last
-- agreed is its base: without it nobody could tell which side changed a field.
CREATE TABLE tasks (
    id           uuid PRIMARY KEY,
    kind         text NOT NULL CHECK (kind IN ('email', 'call', 'inmail', 'custom')),
    name         text NOT NULL,
    status       text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'complete')),
    priority     text NOT NULL DEFAULT 'normal' CHECK (priority IN ('normal', 'high')),
    due_on       date,
    details      text NOT NULL DEFAULT '',
    rep_email    text,
    person_id    bigint REFERENCES people (id),
    who_id       text,
    origin       text NOT NULL DEFAULT 'here' CHECK (origin IN ('here', 'salesforce')),
    created_by   text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    completed_at timestamptz,
    deleted_at   timestamptz,
    edits        jsonb NOT NULL DEFAULT '{}',
    base         jsonb,
    sent         jsonb,
    agreed_at    timestamptz,
    former_ids   text[] NOT NULL DEFAULT '{}',
    CHECK ((status = 'complete') = (completed_at IS NOT NULL))
) WITH (fillfactor = 85);
COMMENT ON COLUMN tasks.who_id IS 'The lead or contact in Salesforce, where no person here has it (yet).';
COMMENT ON COLUMN tasks.edits IS 'Fields that were edited here since both sides agreed, each with when.';
COMMENT ON COLUMN tasks.base IS 'What Salesforce had when both sides last agreed; null: it is not there.';
COMMENT ON COLUMN tasks.sent IS 'What is on its way to Salesforce.';
COMMENT ON COLUMN tasks.agreed_at IS 'When the base was taken: a reading that was sent before says nothing.';
COMMENT ON COLUMN tasks.former_ids IS 'Tasks in Salesforce that it had before: deleted there, and made anew since.';

-- Lists go by due date, those without one last.
CREATE INDEX tasks_open ON tasks (coalesce(due_on, 'infinity'), id) WHERE status = 'open' AND deleted_at IS NULL;
CREATE INDEX tasks_open_of_rep ON tasks (rep_email, coalesce(due_on, 'infinity'), id) WHERE status = 'open' AND deleted_at IS NULL;
CREATE INDEX tasks_done ON tasks (completed_at DESC, id DESC) WHERE status = 'complete' AND deleted_at IS NULL;
CREATE INDEX tasks_done_of_rep ON tasks (rep_email, completed_at DESC, id DESC) WHERE status = 'complete' AND deleted_at IS NULL;
CREATE INDEX tasks_of_rep ON tasks (rep_email, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_changed ON tasks (updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_of_person ON tasks (person_id, status, coalesce(due_on, 'infinity'), id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_former ON tasks USING gin (former_ids) WHERE former_ids <> '{}';
CREATE INDEX tasks_waiting ON tasks (left(who_id, 15)) WHERE person_id IS NULL AND who_id IS NOT NULL;

-- A line for each change of a field, whichever side made it. A value that lost to a
-- later edit of the other side, or went with a deletion, stands here too.
CREATE TABLE task_history (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_id uuid NOT NULL REFERENCES tasks (id),
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    source  text NOT NULL CHECK (source IN ('here', 'salesforce')),
    actor   text NOT NULL DEFAULT '',
    event   text NOT NULL CHECK (event IN ('created', 'changed', 'lost', 'deleted', 'restored')),
    field   text NOT NULL DEFAULT '',
    old     text,
    new     text
);
CREATE INDEX task_history_of_task ON task_history (task_id, id DESC);

-- The outbox carries tasks too: one row for each that is to be in Salesforce, which
-- is pending again whenever the sides differ.
ALTER TABLE deliveries ALTER COLUMN activity_id DROP NOT NULL;
ALTER TABLE deliveries ADD COLUMN task_id uuid REFERENCES tasks (id);
ALTER TABLE deliveries DROP CONSTRAINT deliveries_operation_check;
ALTER TABLE deliveries ADD CONSTRAINT deliveries_operation_check CHECK (operation IN ('create', 'update', 'sync', 'opt_out'));
CREATE UNIQUE INDEX deliveries_of_task ON deliveries (task_id) WHERE task_id IS NOT NULL;
CREATE INDEX deliveries_logged_there ON deliveries (remote_id) WHERE destination = 'salesforce' AND activity_id IS NOT NULL AND remote_id IS NOT NULL;
CREATE UNIQUE INDEX deliveries_task_there ON deliveries (remote_id) WHERE task_id IS NOT NULL AND remote_id IS NOT NULL;

-- How far Salesforce's changes have been read, moved with the rows that it covers.
CREATE TABLE salesforce_cursors (
    stream      text PRIMARY KEY,
    read_to     timestamptz NOT NULL,
    switched_on timestamptz NOT NULL,
    polled_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    position    text
);
COMMENT ON COLUMN salesforce_cursors.read_to IS 'Salesforce''s clock when the last complete reading was sent.';
COMMENT ON COLUMN salesforce_cursors.position IS 'How far a reading in the order of ids came.';
COMMENT ON COLUMN salesforce_cursors.switched_on IS 'The switching on that it belongs to: after another, reading begins anew.';

-- +goose Down

DROP TABLE salesforce_cursors;
DROP TABLE task_history;
DELETE FROM deliveries WHERE task_id IS NOT NULL;
ALTER TABLE deliveries DROP COLUMN task_id;
ALTER TABLE deliveries DROP CONSTRAINT deliveries_operation_check;
ALTER TABLE deliveries ADD CONSTRAINT deliveries_operation_check CHECK (operation IN ('create', 'update'));
ALTER TABLE deliveries ALTER COLUMN activity_id SET NOT NULL;
DROP TABLE tasks;
