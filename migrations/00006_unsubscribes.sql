-- Unsubscribes: who does not want email, who said so, and whether Salesforce knows.

-- +goose Up

-- One line for each side's word: what was collected here, and what Salesforce had.
-- Only unsubscribes travel; to undo one, it is cleared on both sides by hand.
CREATE TABLE unsubscribes (
    id                   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id            bigint REFERENCES people (id),
    person_marketo_id    bigint,
    person_salesforce_id text,
    person_email         text,
    person_email_key     text COLLATE "C",
    source               text NOT NULL CHECK (source <> ''),
    reason               text NOT NULL DEFAULT '',
    actor                text NOT NULL DEFAULT '',
    address              text NOT NULL DEFAULT '',
    at                   timestamptz NOT NULL DEFAULT clock_timestamp(),
    cleared_at           timestamptz,
    cleared_by           text,
    CHECK (num_nonnulls(person_id, person_marketo_id, person_salesforce_id, person_email_key) > 0)
);
COMMENT ON COLUMN unsubscribes.source IS 'link, one_click, rep, admin, api, bounce, salesforce, or what a program called it.';
COMMENT ON COLUMN unsubscribes.person_email IS 'The address at that time; the person_* columns are whom the sender named.';
COMMENT ON COLUMN unsubscribes.address IS 'Of the network, where a browser or a mail server asked.';

CREATE UNIQUE INDEX unsubscribes_of_person ON unsubscribes (person_id, (source = 'salesforce')) WHERE cleared_at IS NULL AND person_id IS NOT NULL;
CREATE INDEX unsubscribes_history ON unsubscribes (person_id, id DESC);
CREATE INDEX unsubscribes_by_email ON unsubscribes (person_email_key) WHERE cleared_at IS NULL AND person_email_key IS NOT NULL;
CREATE INDEX unsubscribes_waiting ON unsubscribes (id) WHERE person_id IS NULL AND cleared_at IS NULL;
-- The check before a send knows what waits by the ids that it names, too.
CREATE INDEX unsubscribes_waiting_marketo ON unsubscribes (person_marketo_id) WHERE person_id IS NULL AND cleared_at IS NULL AND person_marketo_id IS NOT NULL;
CREATE INDEX unsubscribes_waiting_salesforce ON unsubscribes (left(person_salesforce_id, 15)) WHERE person_id IS NULL AND cleared_at IS NULL AND person_salesforce_id IS NOT NULL;

-- Who was merged into somebody said no for them too.
CREATE INDEX people_merged ON people (merged_into) WHERE merged_into IS NOT NULL;

ALTER TABLE deliveries ADD COLUMN unsubscribe_id bigint REFERENCES unsubscribes (id);
ALTER TABLE deliveries DROP CONSTRAINT deliveries_hold_check;
ALTER TABLE deliveries ADD CONSTRAINT deliveries_hold_check CHECK (hold IN ('person', 'email', 'record'));
ALTER TABLE deliveries ADD CONSTRAINT deliveries_about_check CHECK (num_nonnulls(activity_id, task_id, unsubscribe_id) = 1);
CREATE UNIQUE INDEX deliveries_of_unsubscribe ON deliveries (unsubscribe_id) WHERE unsubscribe_id IS NOT NULL;
COMMENT ON COLUMN deliveries.hold IS 'What it waits for: the person to arrive in the workspace, the Task of its email, or the person''s record in Salesforce.';

-- The two-way runs, nightly or asked for.
CREATE TABLE unsubscribe_runs (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_by  text NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    outcome     text CHECK (outcome IN ('done', 'failed')),
    error       text,
    remedy      text,
    read        bigint NOT NULL DEFAULT 0,
    taken       bigint NOT NULL DEFAULT 0,
    pushed      bigint NOT NULL DEFAULT 0,
    CHECK ((finished_at IS NULL) = (outcome IS NULL))
);
COMMENT ON COLUMN unsubscribe_runs.read IS 'Opted-out records in Salesforce.';
COMMENT ON COLUMN unsubscribe_runs.taken IS 'Those that were new here.';
COMMENT ON COLUMN unsubscribe_runs.pushed IS 'Unsubscribes that Salesforce did not have, and that were queued.';
CREATE UNIQUE INDEX unsubscribe_runs_one ON unsubscribe_runs ((true)) WHERE finished_at IS NULL;
CREATE INDEX unsubscribe_runs_recent ON unsubscribe_runs (started_at DESC);

-- +goose Down

DROP TABLE unsubscribe_runs;
DELETE FROM deliveries WHERE unsubscribe_id IS NOT NULL;
ALTER TABLE deliveries DROP CONSTRAINT deliveries_about_check;
ALTER TABLE deliveries DROP CONSTRAINT deliveries_hold_check;
ALTER TABLE deliveries ADD CONSTRAINT deliveries_hold_check CHECK (hold IN ('person', 'email'));
COMMENT ON COLUMN deliveries.hold IS 'What it waits for: the person to arrive in the workspace, or the Task of its email.';
ALTER TABLE deliveries DROP COLUMN unsubscribe_id;
DROP INDEX people_merged;
DROP TABLE unsubscribes;
