-- Sales activities, and what becomes of each in Marketo and in Salesforce.

-- +goose Up

-- An activity is written once and never changed, but for its person and its email,
-- which may arrive later than it. The person_* columns are whom the sender named.
CREATE TABLE activities (
    id                   uuid PRIMARY KEY,
    token_id             bigint NOT NULL REFERENCES api_tokens (id),
    key                  text NOT NULL,
    kind                 text NOT NULL CHECK (kind IN ('email_sent', 'email_opened', 'email_clicked', 'email_replied',
                                                       'email_bounced', 'call_received', 'campaign_added', 'campaign_removed')),
    occurred_at          timestamptz NOT NULL,
    recorded_at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    person_id            bigint REFERENCES people (id),
    person_marketo_id    bigint,
    person_salesforce_id text,
    person_email         text,
    person_email_key     text COLLATE "C",
    rep_email            text,
    email_id             uuid REFERENCES activities (id),
    email_key            text,
    attributes           jsonb NOT NULL DEFAULT '{}',
    UNIQUE (token_id, key)
);
COMMENT ON COLUMN activities.key IS 'The sender''s own id: the same key twice is the same activity.';
COMMENT ON COLUMN activities.email_id IS 'The email_sent that an open, click, reply or bounce belongs to.';
COMMENT ON COLUMN activities.email_key IS 'The key of that email, as the sender gave it.';

CREATE INDEX activities_recent ON activities (occurred_at DESC, id DESC);
CREATE INDEX activities_by_kind ON activities (kind, occurred_at DESC, id DESC);
CREATE INDEX activities_of_person ON activities (person_id, occurred_at DESC, id DESC);
CREATE INDEX activities_by_rep ON activities (rep_email, occurred_at DESC, id DESC);
CREATE INDEX activities_of_email ON activities (email_id) WHERE email_id IS NOT NULL;
CREATE INDEX activities_without_email ON activities (token_id, email_key) WHERE email_id IS NULL AND email_key IS NOT NULL;
CREATE INDEX activities_waiting_marketo ON activities (person_marketo_id) WHERE person_id IS NULL AND person_marketo_id IS NOT NULL;
CREATE INDEX activities_waiting_salesforce ON activities (person_salesforce_id) WHERE person_id IS NULL AND person_salesforce_id IS NOT NULL;
CREATE INDEX activities_waiting_email ON activities (person_email_key) WHERE person_id IS NULL AND person_email_key IS NOT NULL;
CREATE INDEX activities_waiting ON activities (occurred_at DESC, id DESC) WHERE person_id IS NULL;

-- An activity may name somebody who has left the workspace by address.
CREATE INDEX people_archived_by_email ON people (email_key) WHERE archived_at IS NOT NULL;

-- The outbox: a row for each activity and destination, written with the activity. A
-- reply that is logged as a Task of its own has two for Salesforce, since it also
-- changes the Task of the email.
--
--   pending ── claimed ──▶ sending ── told ──▶ delivered | failed | pending again
--
-- A row that stays sending without a sender is one whose outcome is not known: it is
-- looked for in the destination, and sent again only when it is proven absent.
CREATE TABLE deliveries (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    activity_id  uuid NOT NULL REFERENCES activities (id),
    destination  text NOT NULL CHECK (destination IN ('marketo', 'salesforce')),
    operation    text NOT NULL DEFAULT 'create' CHECK (operation IN ('create', 'update')),
    occurred_at  timestamptz NOT NULL,
    state        text NOT NULL CHECK (state IN ('pending', 'sending', 'delivered', 'failed', 'skipped')),
    hold         text CHECK (hold IN ('person', 'email')),
    reason       text,
    attempts     int NOT NULL DEFAULT 0,
    due_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    sender       uuid,
    sent_at      timestamptz,
    scheme       text CHECK (scheme IN ('key', 'field', 'marker')),
    looks        int NOT NULL DEFAULT 0,
    who_id       text,
    remote_id    text,
    error_code   text,
    error_class  text,
    error_text   text,
    error_remedy text,
    updated_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (activity_id, destination, operation),
    CHECK ((state = 'skipped') = (reason IS NOT NULL)),
    CHECK (hold IS NULL OR state = 'pending')
) WITH (fillfactor = 80);
COMMENT ON COLUMN deliveries.hold IS 'What it waits for: the person to arrive in the workspace, or the Task of its email.';
COMMENT ON COLUMN deliveries.due_at IS 'pending: when it may be sent; sending: when its outcome is looked for next.';
COMMENT ON COLUMN deliveries.sender IS 'The run of the deliverer that is sending it now.';
COMMENT ON COLUMN deliveries.scheme IS 'How the Task that was sent can be found again in Salesforce.';
COMMENT ON COLUMN deliveries.who_id IS 'The lead or contact that the Task was sent for.';

CREATE INDEX deliveries_due ON deliveries (destination, operation, due_at, id) WHERE state = 'pending' AND hold IS NULL;
CREATE INDEX deliveries_unknown ON deliveries (destination, operation, due_at) WHERE state = 'sending';
CREATE INDEX deliveries_held ON deliveries (hold, activity_id) WHERE hold IS NOT NULL;
CREATE INDEX deliveries_open ON deliveries (state, occurred_at DESC, activity_id DESC) WHERE state IN ('pending', 'sending', 'failed');
CREATE INDEX deliveries_failed ON deliveries (destination, error_code, id) WHERE state = 'failed';
CREATE INDEX deliveries_retried ON deliveries (destination, error_code) WHERE state = 'pending' AND error_code IS NOT NULL;

-- The systems that activities are delivered to: why nothing is sent, if so, and what
-- was learned of them.
CREATE TABLE destinations (
    name          text PRIMARY KEY CHECK (name IN ('marketo', 'salesforce')),
    paused_class  text,
    paused_code   text,
    paused_text   text,
    paused_remedy text,
    paused_since  timestamptz,
    retry_at      timestamptz,
    setup         jsonb,
    setup_at      timestamptz
);
INSERT INTO destinations (name) VALUES ('marketo'), ('salesforce');

-- The connection to Salesforce. Secrets and tokens are sealed (crypt.Box). The
-- generation counts the access tokens, so that replicas refresh each once only: a
-- refresh token may be good for a single use.
CREATE TABLE salesforce_connection (
    only_row       boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    login_url      text NOT NULL,
    client_id      text NOT NULL,
    secret_sealed  bytea NOT NULL,
    flow           text NOT NULL DEFAULT 'web' CHECK (flow IN ('web', 'jwt', 'client_credentials')),
    access_sealed  bytea,
    refresh_sealed bytea,
    instance_url   text,
    generation     bigint NOT NULL DEFAULT 0,
    identity       jsonb,
    issued_at      timestamptz,
    connected_at   timestamptz,
    connected_by   text,
    updated_at     timestamptz NOT NULL DEFAULT now(),
    updated_by     text NOT NULL
);

-- An authorisation that an admin began and Salesforce has not answered yet.
CREATE TABLE salesforce_authorizations (
    state_hash      bytea PRIMARY KEY,
    user_id         bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    verifier_sealed bytea NOT NULL,
    redirect_url    text NOT NULL,
    expires_at      timestamptz NOT NULL
);

-- What Salesforce told of the record of a person: which it became by conversion or
-- merge, and which open opportunity a contact has. The id has 15 characters.
CREATE TABLE salesforce_records (
    id             text PRIMARY KEY,
    follow_id      text,
    account_id     text,
    opportunity_id text,
    asked_at       timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The Salesforce user of each rep: found by address, or linked by an admin.
CREATE TABLE salesforce_reps (
    email     text PRIMARY KEY,
    user_id   text,
    user_name text,
    linked_by text,
    asked_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- +goose Down
DROP INDEX people_archived_by_email;
DROP TABLE salesforce_reps, salesforce_records, salesforce_authorizations, salesforce_connection, destinations, deliveries, activities;
