-- The workspace: people as Marketo has them, who changed what, and the state of
-- the sync that keeps them so.
--
-- A person's id is the Marketo id: the only identity there is. The *_key columns
-- and "search" hold text folded by the program (models.Fold): lower case, without
-- marks, ordered by bytes, so that lists sort and search alike on every server.

-- +goose Up
CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE people (
    id                        bigint PRIMARY KEY,
    first_name                text,
    last_name                 text,
    salesforce_contact_id     text,
    salesforce_lead_id        text,
    salesforce_account_id     text,
    salesforce_opportunity_id text,
    company                   text,
    title                     text,
    email                     text,
    phone                     text,
    linkedin_url              text,
    source                    text,
    owner_id                  text,
    salesforce_type           text,
    unsubscribed              boolean NOT NULL DEFAULT false,
    marketo_created_at        timestamptz,
    marketo_updated_at        timestamptz,
    name_key                  text COLLATE "C" NOT NULL,
    company_key               text COLLATE "C" NOT NULL,
    title_key                 text COLLATE "C" NOT NULL,
    email_key                 text COLLATE "C" NOT NULL,
    source_key                text COLLATE "C" NOT NULL,
    search                    text COLLATE "C" NOT NULL,
    read_at                   timestamptz NOT NULL,
    synced_at                 timestamptz NOT NULL DEFAULT now(),
    created_run_id            bigint NOT NULL,
    archived_at               timestamptz,
    archive_reason            text CHECK (archive_reason IN ('owner_lost', 'deleted', 'merged', 'not_found', 'unqualified')),
    merged_into               bigint,
    CHECK ((archived_at IS NULL) = (archive_reason IS NULL))
) WITH (fillfactor = 85);

COMMENT ON COLUMN people.read_at IS 'When the read that these values come from was sent; the read sent later wins.';
COMMENT ON COLUMN people.synced_at IS 'When a value of this row last changed here.';

-- So many samples tell how rare a search is, which decides how it is done.
ALTER TABLE people ALTER COLUMN search SET STATISTICS 1000;

-- One index for each sort of the list, and for each filter that is selective.
CREATE INDEX people_by_name ON people (name_key, id) WHERE archived_at IS NULL;
CREATE INDEX people_by_company ON people (company_key, id) WHERE archived_at IS NULL;
CREATE INDEX people_by_title ON people (title_key, id) WHERE archived_at IS NULL;
CREATE INDEX people_by_email ON people (email_key, id) WHERE archived_at IS NULL;
CREATE INDEX people_by_source ON people (source_key, id) WHERE archived_at IS NULL;
CREATE INDEX people_by_owner ON people (owner_id, name_key, id) WHERE archived_at IS NULL;
CREATE INDEX people_by_synced ON people (synced_at, id) WHERE archived_at IS NULL;
CREATE INDEX people_archived ON people (name_key, id) WHERE archived_at IS NOT NULL;
CREATE INDEX people_by_account ON people (salesforce_account_id) WHERE salesforce_account_id IS NOT NULL;
CREATE INDEX people_by_contact ON people (salesforce_contact_id) WHERE salesforce_contact_id IS NOT NULL;
CREATE INDEX people_by_lead ON people (salesforce_lead_id) WHERE salesforce_lead_id IS NOT NULL;
CREATE INDEX people_with_opportunity ON people (name_key, id) WHERE archived_at IS NULL AND salesforce_opportunity_id IS NOT NULL;
CREATE INDEX people_unsubscribed ON people (name_key, id) WHERE archived_at IS NULL AND unsubscribed;
CREATE INDEX people_search ON people USING gin (search gin_trgm_ops) WITH (gin_pending_list_limit = 1024);
CREATE INDEX people_by_marketo_created ON people (marketo_created_at);

-- How many people there are, kept in the transactions that add and archive them,
-- because counting a million rows for each page is too slow.
CREATE TABLE people_totals (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    live     bigint NOT NULL DEFAULT 0,
    archived bigint NOT NULL DEFAULT 0
);
INSERT INTO people_totals DEFAULT VALUES;

CREATE TABLE sync_runs (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN ('copy', 'follow', 'reconcile')),
    started_by  text NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    outcome     text CHECK (outcome IN ('done', 'failed', 'canceled')),
    error       text,
    total       bigint,
    processed   bigint NOT NULL DEFAULT 0,
    created     bigint NOT NULL DEFAULT 0,
    updated     bigint NOT NULL DEFAULT 0,
    archived    bigint NOT NULL DEFAULT 0,
    api_calls   bigint NOT NULL DEFAULT 0,
    CHECK ((finished_at IS NULL) = (outcome IS NULL))
);
CREATE UNIQUE INDEX sync_runs_one_in_progress ON sync_runs (kind) WHERE finished_at IS NULL AND kind <> 'follow';
CREATE INDEX sync_runs_recent ON sync_runs (started_at DESC);

-- What changed in a person, by which run: the provenance that a person's page shows.
CREATE TABLE person_changes (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id  bigint NOT NULL REFERENCES people (id),
    run_id     bigint NOT NULL REFERENCES sync_runs (id),
    field      text NOT NULL,
    old        text,
    new        text,
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX person_changes_of_person ON person_changes (person_id, id DESC);
CREATE INDEX person_changes_of_run ON person_changes (run_id, id);

-- A run's parts. A slice is a range of creation times (or of ids) that is read and
-- stored for itself; how far it got is saved with the rows that it covers.
CREATE TABLE sync_slices (
    run_id       bigint NOT NULL REFERENCES sync_runs (id) ON DELETE CASCADE,
    position     int NOT NULL,
    method       text NOT NULL CHECK (method IN ('created_at', 'list', 'ids')),
    from_time    timestamptz,
    to_time      timestamptz,
    from_id      bigint,
    to_id        bigint,
    state        text NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'exporting', 'reading', 'done')),
    export_id    text,
    read_at      timestamptz,
    bytes_total  bigint,
    checksum     text,
    bytes_done   bigint NOT NULL DEFAULT 0,
    hash_state   bytea,
    header       text[],
    rows_total   bigint,
    rows_done    bigint NOT NULL DEFAULT 0,
    tries        int NOT NULL DEFAULT 0,
    PRIMARY KEY (run_id, position)
);

-- How far a run was, every few seconds: the rate that its progress shows.
CREATE TABLE sync_samples (
    run_id    bigint NOT NULL REFERENCES sync_runs (id) ON DELETE CASCADE,
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    processed bigint NOT NULL,
    PRIMARY KEY (run_id, at)
);

-- What a reconciliation read, until it is compared.
CREATE TABLE reconcile_rows (
    run_id    bigint NOT NULL REFERENCES sync_runs (id) ON DELETE CASCADE,
    position  int NOT NULL,
    person_id bigint NOT NULL,
    qualifies boolean NOT NULL,
    checksum  bytea,
    PRIMARY KEY (run_id, person_id)
);

-- The report that a reconciliation leaves.
CREATE TABLE reconcile_slices (
    run_id           bigint NOT NULL REFERENCES sync_runs (id) ON DELETE CASCADE,
    position         int NOT NULL,
    label            text NOT NULL,
    marketo_count    bigint NOT NULL,
    workspace_count  bigint NOT NULL,
    marketo_checksum text NOT NULL,
    workspace_checksum text NOT NULL,
    PRIMARY KEY (run_id, position)
);
CREATE TABLE reconcile_differences (
    run_id    bigint NOT NULL REFERENCES sync_runs (id) ON DELETE CASCADE,
    person_id bigint NOT NULL,
    kind      text NOT NULL CHECK (kind IN ('missing', 'extra', 'differs')),
    healed_at timestamptz,
    PRIMARY KEY (run_id, person_id)
);

-- Where each change stream is read up to; moved in the transaction that stores
-- the ids it yielded. "watermark" is a time that the token surely covers, from
-- which a new token is made when the old one is refused.
CREATE TABLE sync_cursors (
    stream     text PRIMARY KEY,
    token      text NOT NULL,
    watermark  timestamptz NOT NULL,
    polled_at  timestamptz,
    swept_at   timestamptz,
    trail      jsonb NOT NULL DEFAULT '[]'
);

-- Changes already taken from the streams, so that reading an overlap again costs nothing.
CREATE TABLE seen_changes (
    stream  text NOT NULL,
    guid    text NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream, guid)
);
CREATE INDEX seen_changes_by_time ON seen_changes (seen_at);

-- The inbox of people to read again. A row says only "look at this person"; what
-- happened to them is decided by the read.
CREATE TABLE touched_people (
    person_id    bigint PRIMARY KEY,
    touched_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    due_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    leased_until timestamptz,
    misses       int NOT NULL DEFAULT 0,
    urgent       boolean NOT NULL DEFAULT false,
    deleted      boolean NOT NULL DEFAULT false,
    merged_into  bigint
);
CREATE INDEX touched_people_due ON touched_people (urgent DESC, due_at);

-- The one row that says what the people sync is doing and why it is not.
CREATE TABLE people_sync (
    only_row      boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    state         text NOT NULL DEFAULT 'idle' CHECK (state IN ('idle', 'copying', 'following')),
    paused_at     timestamptz,
    paused_by     text,
    trouble_class text,
    trouble_code  text,
    trouble_text  text,
    trouble_remedy text,
    trouble_since timestamptz,
    retry_at      timestamptz,
    failed        boolean NOT NULL DEFAULT false,
    copied_at     timestamptz,
    caught_up_at  timestamptz,
    preview       jsonb,
    preview_at    timestamptz
);
INSERT INTO people_sync DEFAULT VALUES;

-- +goose Down
DROP TABLE people_sync, touched_people, seen_changes, sync_cursors, reconcile_differences, reconcile_slices,
    reconcile_rows, sync_samples, sync_slices, person_changes, sync_runs, people_totals, people;
