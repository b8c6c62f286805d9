CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;

CREATE FUNCTION public.deliveries_kind() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    SELECT kind INTO NEW.kind FROM activities WHERE id = NEW.activity_id;
    RETURN NEW;
END $$;

CREATE FUNCTION public.person_now(person bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
DECLARE
    winner bigint;
BEGIN
    FOR hop IN 1..20 LOOP
        SELECT p.merged_into INTO winner FROM people p WHERE p.id = person;
        EXIT WHEN winner IS NULL OR NOT EXISTS (SELECT FROM people w WHERE w.id = winner);
        person := winner;
    END LOOP;
    RETURN person;
END $$;

COMMENT ON FUNCTION public.person_now(person bigint) IS 'The person that someone is now: follows up to 20 merges, as far as the winners are in this database.';

CREATE FUNCTION public.shared_clock() RETURNS timestamp with time zone
    LANGUAGE sql PARALLEL SAFE
    AS $$ SELECT clock_timestamp() $$;

COMMENT ON FUNCTION public.shared_clock() IS 'The time that replicas agree on; tests replace it.';

CREATE TABLE public.activities (
    id uuid NOT NULL,
    token_id bigint NOT NULL,
    key text NOT NULL,
    kind text NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    person_id bigint,
    person_marketo_id bigint,
    person_salesforce_id text,
    person_email text,
    person_email_key text COLLATE pg_catalog."C",
    rep_email text,
    email_id uuid,
    email_key text,
    attributes jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT activities_kind_check CHECK ((kind = ANY (ARRAY['email_sent'::text, 'email_opened'::text, 'email_clicked'::text, 'email_replied'::text, 'email_bounced'::text, 'call_received'::text, 'campaign_added'::text, 'campaign_removed'::text])))
);

COMMENT ON COLUMN public.activities.key IS 'The sender''s own id: the same key twice is the same activity.';

COMMENT ON COLUMN public.activities.email_id IS 'The email_sent that an open, click, reply or bounce belongs to.';

COMMENT ON COLUMN public.activities.email_key IS 'The key of that email, as the sender gave it.';

CREATE TABLE public.activity_cursor (
    only_row boolean DEFAULT true NOT NULL,
    read_to timestamp with time zone NOT NULL,
    read_all_at timestamp with time zone NOT NULL,
    CONSTRAINT activity_cursor_only_row_check CHECK (only_row)
);

COMMENT ON TABLE public.activity_cursor IS 'How far waiting activities were compared with people who arrived.';

CREATE TABLE public.api_pace (
    system text NOT NULL,
    next_call_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    blocked_until timestamp with time zone,
    blocked_why text,
    spent_until timestamp with time zone
);

CREATE TABLE public.api_slots (
    system text NOT NULL,
    slot integer NOT NULL,
    holder text,
    leased_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL
);

CREATE TABLE public.api_tokens (
    id bigint NOT NULL,
    name text NOT NULL,
    scope text NOT NULL,
    token_hash bytea NOT NULL,
    hint text NOT NULL,
    created_by text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_used_at timestamp with time zone,
    revoked_at timestamp with time zone,
    CONSTRAINT api_tokens_scope_check CHECK ((scope = ANY (ARRAY['read'::text, 'record'::text, 'admin'::text])))
);

ALTER TABLE public.api_tokens ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.api_tokens_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.api_usage (
    system text NOT NULL,
    day date NOT NULL,
    purpose text NOT NULL,
    calls bigint DEFAULT 0 NOT NULL
);

CREATE TABLE public.audit_events (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    subject text DEFAULT ''::text NOT NULL,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    address text DEFAULT ''::text NOT NULL
);

ALTER TABLE public.audit_events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.connections (
    system text NOT NULL,
    endpoint text NOT NULL,
    client_id text NOT NULL,
    secret_sealed bytea NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_by text NOT NULL,
    CONSTRAINT connections_system_check CHECK ((system = ANY (ARRAY['marketo'::text, 'salesforce'::text])))
);

CREATE TABLE public.deliveries (
    id bigint NOT NULL,
    activity_id uuid,
    destination text NOT NULL,
    operation text DEFAULT 'create'::text NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    state text NOT NULL,
    hold text,
    reason text,
    attempts integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    sender uuid,
    sent_at timestamp with time zone,
    scheme text,
    looks integer DEFAULT 0 NOT NULL,
    who_id text,
    remote_id text,
    error_code text,
    error_class text,
    error_text text,
    error_remedy text,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    task_id uuid,
    unsubscribe_id bigint,
    proof_field text,
    doubted_at timestamp with time zone,
    doubts integer DEFAULT 0 NOT NULL,
    doubts_left integer,
    error_times integer DEFAULT 0 NOT NULL,
    kind text,
    CONSTRAINT deliveries_about_check CHECK ((num_nonnulls(activity_id, task_id, unsubscribe_id) = 1)),
    CONSTRAINT deliveries_check CHECK (((state = 'skipped'::text) = (reason IS NOT NULL))),
    CONSTRAINT deliveries_check1 CHECK (((hold IS NULL) OR (state = 'pending'::text))),
    CONSTRAINT deliveries_destination_check CHECK ((destination = ANY (ARRAY['marketo'::text, 'salesforce'::text]))),
    CONSTRAINT deliveries_hold_check CHECK ((hold = ANY (ARRAY['person'::text, 'email'::text, 'record'::text, 'reread'::text]))),
    CONSTRAINT deliveries_operation_check CHECK ((operation = ANY (ARRAY['create'::text, 'update'::text, 'sync'::text, 'opt_out'::text]))),
    CONSTRAINT deliveries_scheme_check CHECK ((scheme = ANY (ARRAY['key'::text, 'field'::text, 'marker'::text]))),
    CONSTRAINT deliveries_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'sending'::text, 'delivered'::text, 'failed'::text, 'skipped'::text])))
)
WITH (fillfactor='80');

COMMENT ON COLUMN public.deliveries.hold IS 'What it waits for: the person to arrive in the workspace or to be read again, the Task of its email, or the person''s record in Salesforce.';

COMMENT ON COLUMN public.deliveries.due_at IS 'pending: when it may be sent; sending: when its outcome is looked for next.';

COMMENT ON COLUMN public.deliveries.sender IS 'The run of the deliverer that is sending it now.';

COMMENT ON COLUMN public.deliveries.scheme IS 'How the Task that was sent can be found again in Salesforce.';

COMMENT ON COLUMN public.deliveries.who_id IS 'The lead or contact that the Task was sent for.';

COMMENT ON COLUMN public.deliveries.proof_field IS 'The field by which the Task that was sent can be found again, where one does it.';

COMMENT ON COLUMN public.deliveries.doubted_at IS 'When it was sent first of the attempts of which nobody knows what they did; null: it is surely not there.';

COMMENT ON COLUMN public.deliveries.doubts IS 'How much the attempts in a row that had no answer speak against this row: it goes with few others then, and at last alone.';

COMMENT ON COLUMN public.deliveries.doubts_left IS 'Attempts alone that it still has; at 0 it is parked once it is proven absent; null: as many as it likes.';

COMMENT ON COLUMN public.deliveries.error_times IS 'Attempts in a row that ended with error_code.';

COMMENT ON COLUMN public.deliveries.kind IS 'That of the activity, for lists; null for what is no activity''s.';

ALTER TABLE public.deliveries ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.deliveries_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.destinations (
    name text NOT NULL,
    paused_class text,
    paused_code text,
    paused_text text,
    paused_remedy text,
    paused_since timestamp with time zone,
    retry_at timestamp with time zone,
    setup jsonb,
    setup_at timestamp with time zone,
    CONSTRAINT destinations_name_check CHECK ((name = ANY (ARRAY['marketo'::text, 'salesforce'::text])))
);

CREATE TABLE public.invitations (
    token_hash bytea NOT NULL,
    user_id bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

CREATE TABLE public.leases (
    name text NOT NULL,
    holder text NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

CREATE TABLE public.opt_out_cursor (
    only_row boolean DEFAULT true NOT NULL,
    read_to timestamp with time zone NOT NULL,
    polled_at timestamp with time zone NOT NULL,
    CONSTRAINT opt_out_cursor_only_row_check CHECK (only_row)
);

COMMENT ON TABLE public.opt_out_cursor IS 'How far opt-outs were read from Salesforce.';

CREATE TABLE public.people (
    id bigint NOT NULL,
    first_name text,
    last_name text,
    salesforce_contact_id text,
    salesforce_lead_id text,
    salesforce_account_id text,
    salesforce_opportunity_id text,
    company text,
    title text,
    email text,
    phone text,
    linkedin_url text,
    source text,
    owner_id text,
    salesforce_type text,
    unsubscribed boolean DEFAULT false NOT NULL,
    marketo_created_at timestamp with time zone,
    marketo_updated_at timestamp with time zone,
    name_key text NOT NULL COLLATE pg_catalog."C",
    company_key text NOT NULL COLLATE pg_catalog."C",
    title_key text NOT NULL COLLATE pg_catalog."C",
    email_key text NOT NULL COLLATE pg_catalog."C",
    source_key text NOT NULL COLLATE pg_catalog."C",
    search text NOT NULL COLLATE pg_catalog."C",
    read_at timestamp with time zone NOT NULL,
    synced_at timestamp with time zone DEFAULT now() NOT NULL,
    created_run_id bigint NOT NULL,
    archived_at timestamp with time zone,
    archive_reason text,
    merged_into bigint,
    CONSTRAINT people_archive_reason_check CHECK ((archive_reason = ANY (ARRAY['owner_lost'::text, 'deleted'::text, 'merged'::text, 'not_found'::text, 'unqualified'::text]))),
    CONSTRAINT people_check CHECK (((archived_at IS NULL) = (archive_reason IS NULL)))
)
WITH (fillfactor='85');
ALTER TABLE ONLY public.people ALTER COLUMN search SET STATISTICS 1000;

COMMENT ON COLUMN public.people.read_at IS 'When the read that these values come from was sent; the read sent later wins.';

COMMENT ON COLUMN public.people.synced_at IS 'When a value of this row last changed here.';

CREATE TABLE public.people_sync (
    only_row boolean DEFAULT true NOT NULL,
    state text DEFAULT 'idle'::text NOT NULL,
    paused_at timestamp with time zone,
    paused_by text,
    trouble_class text,
    trouble_code text,
    trouble_text text,
    trouble_remedy text,
    trouble_since timestamp with time zone,
    retry_at timestamp with time zone,
    failed boolean DEFAULT false NOT NULL,
    copied_at timestamp with time zone,
    caught_up_at timestamp with time zone,
    preview jsonb,
    preview_at timestamp with time zone,
    CONSTRAINT people_sync_only_row_check CHECK (only_row),
    CONSTRAINT people_sync_state_check CHECK ((state = ANY (ARRAY['idle'::text, 'copying'::text, 'following'::text])))
);

CREATE TABLE public.people_totals (
    only_row boolean DEFAULT true NOT NULL,
    live bigint DEFAULT 0 NOT NULL,
    archived bigint DEFAULT 0 NOT NULL,
    CONSTRAINT people_totals_only_row_check CHECK (only_row)
);

CREATE TABLE public.person_changes (
    id bigint NOT NULL,
    person_id bigint NOT NULL,
    run_id bigint NOT NULL,
    field text NOT NULL,
    old text,
    new text,
    changed_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE public.person_changes ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.person_changes_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.reconcile_differences (
    run_id bigint NOT NULL,
    person_id bigint NOT NULL,
    kind text NOT NULL,
    healed_at timestamp with time zone,
    CONSTRAINT reconcile_differences_kind_check CHECK ((kind = ANY (ARRAY['missing'::text, 'extra'::text, 'differs'::text])))
);

CREATE TABLE public.reconcile_rows (
    run_id bigint NOT NULL,
    "position" integer NOT NULL,
    person_id bigint NOT NULL,
    qualifies boolean NOT NULL,
    checksum bytea
);

CREATE TABLE public.reconcile_slices (
    run_id bigint NOT NULL,
    "position" integer NOT NULL,
    label text NOT NULL,
    marketo_count bigint NOT NULL,
    workspace_count bigint NOT NULL,
    marketo_checksum text NOT NULL,
    workspace_checksum text NOT NULL
);

CREATE TABLE public.salesforce_authorizations (
    state_hash bytea NOT NULL,
    user_id bigint NOT NULL,
    verifier_sealed bytea NOT NULL,
    redirect_url text NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

CREATE TABLE public.salesforce_connection (
    only_row boolean DEFAULT true NOT NULL,
    login_url text NOT NULL,
    client_id text NOT NULL,
    secret_sealed bytea NOT NULL,
    flow text DEFAULT 'web'::text NOT NULL,
    access_sealed bytea,
    refresh_sealed bytea,
    instance_url text,
    generation bigint DEFAULT 0 NOT NULL,
    identity jsonb,
    issued_at timestamp with time zone,
    connected_at timestamp with time zone,
    connected_by text,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_by text NOT NULL,
    CONSTRAINT salesforce_connection_flow_check CHECK ((flow = ANY (ARRAY['web'::text, 'jwt'::text, 'client_credentials'::text]))),
    CONSTRAINT salesforce_connection_only_row_check CHECK (only_row)
);

CREATE TABLE public.salesforce_cursors (
    stream text NOT NULL,
    read_to timestamp with time zone NOT NULL,
    switched_on timestamp with time zone NOT NULL,
    polled_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    "position" text
);

COMMENT ON COLUMN public.salesforce_cursors.read_to IS 'Salesforce''s clock when the last complete reading was sent.';

COMMENT ON COLUMN public.salesforce_cursors.switched_on IS 'The switching on that it belongs to: after another, reading begins anew.';

COMMENT ON COLUMN public.salesforce_cursors."position" IS 'How far a reading in the order of ids came.';

CREATE TABLE public.salesforce_records (
    id text NOT NULL,
    follow_id text,
    account_id text,
    opportunity_id text,
    asked_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    gone boolean DEFAULT false NOT NULL
);

COMMENT ON COLUMN public.salesforce_records.gone IS 'An account or opportunity that takes no Tasks: deleted, or hidden from the connected user.';

CREATE TABLE public.salesforce_reps (
    email text NOT NULL,
    user_id text,
    user_name text,
    linked_by text,
    asked_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    refused_at timestamp with time zone,
    instance text
);

COMMENT ON COLUMN public.salesforce_reps.refused_at IS 'When Salesforce did not take the user as an owner; a link of an admin stays, for them to see.';

COMMENT ON COLUMN public.salesforce_reps.instance IS 'The org that was asked: another one has other users.';

CREATE TABLE public.seen_changes (
    stream text NOT NULL,
    guid text NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.sessions (
    id_hash bytea NOT NULL,
    user_id bigint,
    data bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_seen_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    address text DEFAULT ''::text NOT NULL,
    user_agent text DEFAULT ''::text NOT NULL
);

CREATE TABLE public.settings (
    name text NOT NULL,
    value jsonb NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_by text NOT NULL
);

CREATE TABLE public.signin_failures (
    id bigint NOT NULL,
    email text NOT NULL,
    address text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE public.signin_failures ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.signin_failures_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.sync_cursors (
    stream text NOT NULL,
    token text NOT NULL,
    watermark timestamp with time zone NOT NULL,
    polled_at timestamp with time zone,
    swept_at timestamp with time zone,
    trail jsonb DEFAULT '[]'::jsonb NOT NULL
);

CREATE TABLE public.sync_runs (
    id bigint NOT NULL,
    kind text NOT NULL,
    started_by text NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    outcome text,
    error text,
    total bigint,
    processed bigint DEFAULT 0 NOT NULL,
    created bigint DEFAULT 0 NOT NULL,
    updated bigint DEFAULT 0 NOT NULL,
    archived bigint DEFAULT 0 NOT NULL,
    api_calls bigint DEFAULT 0 NOT NULL,
    CONSTRAINT sync_runs_check CHECK (((finished_at IS NULL) = (outcome IS NULL))),
    CONSTRAINT sync_runs_kind_check CHECK ((kind = ANY (ARRAY['copy'::text, 'follow'::text, 'reconcile'::text]))),
    CONSTRAINT sync_runs_outcome_check CHECK ((outcome = ANY (ARRAY['done'::text, 'failed'::text, 'canceled'::text])))
);

ALTER TABLE public.sync_runs ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.sync_runs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.sync_samples (
    run_id bigint NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    processed bigint NOT NULL
);

CREATE TABLE public.sync_slices (
    run_id bigint NOT NULL,
    "position" integer NOT NULL,
    method text NOT NULL,
    from_time timestamp with time zone,
    to_time timestamp with time zone,
    from_id bigint,
    to_id bigint,
    state text DEFAULT 'planned'::text NOT NULL,
    export_id text,
    read_at timestamp with time zone,
    bytes_total bigint,
    checksum text,
    bytes_done bigint DEFAULT 0 NOT NULL,
    hash_state bytea,
    header text[],
    rows_total bigint,
    rows_done bigint DEFAULT 0 NOT NULL,
    tries integer DEFAULT 0 NOT NULL,
    CONSTRAINT sync_slices_method_check CHECK ((method = ANY (ARRAY['created_at'::text, 'list'::text, 'ids'::text]))),
    CONSTRAINT sync_slices_state_check CHECK ((state = ANY (ARRAY['planned'::text, 'exporting'::text, 'reading'::text, 'done'::text])))
);

CREATE TABLE public.task_history (
    id bigint NOT NULL,
    task_id uuid NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    source text NOT NULL,
    actor text DEFAULT ''::text NOT NULL,
    event text NOT NULL,
    field text DEFAULT ''::text NOT NULL,
    old text,
    new text,
    CONSTRAINT task_history_event_check CHECK ((event = ANY (ARRAY['created'::text, 'changed'::text, 'lost'::text, 'deleted'::text, 'restored'::text]))),
    CONSTRAINT task_history_source_check CHECK ((source = ANY (ARRAY['here'::text, 'salesforce'::text])))
);

ALTER TABLE public.task_history ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.task_history_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.tasks (
    id uuid NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    status text DEFAULT 'open'::text NOT NULL,
    priority text DEFAULT 'normal'::text NOT NULL,
    due_on date,
    details text DEFAULT ''::text NOT NULL,
    rep_email text,
    person_id bigint,
    who_id text,
    origin text DEFAULT 'here'::text NOT NULL,
    created_by text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    completed_at timestamp with time zone,
    deleted_at timestamp with time zone,
    edits jsonb DEFAULT '{}'::jsonb NOT NULL,
    base jsonb,
    sent jsonb,
    agreed_at timestamp with time zone,
    former_ids text[] DEFAULT '{}'::text[] NOT NULL,
    CONSTRAINT tasks_check CHECK (((status = 'complete'::text) = (completed_at IS NOT NULL))),
    CONSTRAINT tasks_kind_check CHECK ((kind = ANY (ARRAY['email'::text, 'call'::text, 'inmail'::text, 'custom'::text]))),
    CONSTRAINT tasks_origin_check CHECK ((origin = ANY (ARRAY['here'::text, 'salesforce'::text]))),
    CONSTRAINT tasks_priority_check CHECK ((priority = ANY (ARRAY['normal'::text, 'high'::text]))),
    CONSTRAINT tasks_status_check CHECK ((status = ANY (ARRAY['open'::text, 'complete'::text])))
)
WITH (fillfactor='85');

COMMENT ON COLUMN public.tasks.who_id IS 'The lead or contact in Salesforce, where no person here has it (yet).';

COMMENT ON COLUMN public.tasks.edits IS 'Fields that were edited here since both sides agreed, each with when.';

COMMENT ON COLUMN public.tasks.base IS 'What Salesforce had when both sides last agreed; null: it is not there.';

COMMENT ON COLUMN public.tasks.sent IS 'What is on its way to Salesforce.';

COMMENT ON COLUMN public.tasks.agreed_at IS 'When the base was taken: a reading that was sent before says nothing.';

COMMENT ON COLUMN public.tasks.former_ids IS 'Tasks in Salesforce that it had before: deleted there, and made anew since.';

CREATE TABLE public.touched_people (
    person_id bigint NOT NULL,
    touched_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    due_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    leased_until timestamp with time zone,
    misses integer DEFAULT 0 NOT NULL,
    urgent boolean DEFAULT false NOT NULL,
    deleted boolean DEFAULT false NOT NULL,
    merged_into bigint
);

CREATE TABLE public.unsubscribe_runs (
    id bigint NOT NULL,
    started_by text NOT NULL,
    started_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    finished_at timestamp with time zone,
    outcome text,
    error text,
    remedy text,
    read bigint DEFAULT 0 NOT NULL,
    taken bigint DEFAULT 0 NOT NULL,
    pushed bigint DEFAULT 0 NOT NULL,
    CONSTRAINT unsubscribe_runs_check CHECK (((finished_at IS NULL) = (outcome IS NULL))),
    CONSTRAINT unsubscribe_runs_outcome_check CHECK ((outcome = ANY (ARRAY['done'::text, 'failed'::text])))
);

COMMENT ON COLUMN public.unsubscribe_runs.read IS 'Opted-out records in Salesforce.';

COMMENT ON COLUMN public.unsubscribe_runs.taken IS 'Those that were new here.';

COMMENT ON COLUMN public.unsubscribe_runs.pushed IS 'Unsubscribes that Salesforce did not have, and that were queued.';

ALTER TABLE public.unsubscribe_runs ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.unsubscribe_runs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.unsubscribes (
    id bigint NOT NULL,
    person_id bigint,
    person_marketo_id bigint,
    person_salesforce_id text,
    person_email text,
    person_email_key text COLLATE pg_catalog."C",
    source text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    actor text DEFAULT ''::text NOT NULL,
    address text DEFAULT ''::text NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    cleared_at timestamp with time zone,
    cleared_by text,
    CONSTRAINT unsubscribes_check CHECK ((num_nonnulls(person_id, person_marketo_id, person_salesforce_id, person_email_key) > 0)),
    CONSTRAINT unsubscribes_source_check CHECK ((source <> ''::text))
);

COMMENT ON COLUMN public.unsubscribes.person_email IS 'The address at that time; the person_* columns are whom the sender named.';

COMMENT ON COLUMN public.unsubscribes.source IS 'link, one_click, rep, admin, api, bounce, salesforce, or what a program called it.';

COMMENT ON COLUMN public.unsubscribes.address IS 'Of the network, where a browser or a mail server asked.';

ALTER TABLE public.unsubscribes ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.unsubscribes_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.users (
    id bigint NOT NULL,
    email text NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    password_hash text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_seen_at timestamp with time zone,
    deactivated_at timestamp with time zone,
    CONSTRAINT users_role_check CHECK ((role = ANY (ARRAY['rep'::text, 'admin'::text])))
);

ALTER TABLE public.users ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.users_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE ONLY public.activities
    ADD CONSTRAINT activities_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.activities
    ADD CONSTRAINT activities_token_id_key_key UNIQUE (token_id, key);

ALTER TABLE ONLY public.activity_cursor
    ADD CONSTRAINT activity_cursor_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.api_pace
    ADD CONSTRAINT api_pace_pkey PRIMARY KEY (system);

ALTER TABLE ONLY public.api_slots
    ADD CONSTRAINT api_slots_pkey PRIMARY KEY (system, slot);

ALTER TABLE ONLY public.api_tokens
    ADD CONSTRAINT api_tokens_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.api_tokens
    ADD CONSTRAINT api_tokens_token_hash_key UNIQUE (token_hash);

ALTER TABLE ONLY public.api_usage
    ADD CONSTRAINT api_usage_pkey PRIMARY KEY (system, day, purpose);

ALTER TABLE ONLY public.audit_events
    ADD CONSTRAINT audit_events_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.connections
    ADD CONSTRAINT connections_pkey PRIMARY KEY (system);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_activity_id_destination_operation_key UNIQUE (activity_id, destination, operation);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.destinations
    ADD CONSTRAINT destinations_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_user_id_key UNIQUE (user_id);

ALTER TABLE ONLY public.leases
    ADD CONSTRAINT leases_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.opt_out_cursor
    ADD CONSTRAINT opt_out_cursor_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.people
    ADD CONSTRAINT people_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.people_sync
    ADD CONSTRAINT people_sync_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.people_totals
    ADD CONSTRAINT people_totals_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.person_changes
    ADD CONSTRAINT person_changes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.reconcile_differences
    ADD CONSTRAINT reconcile_differences_pkey PRIMARY KEY (run_id, person_id);

ALTER TABLE ONLY public.reconcile_rows
    ADD CONSTRAINT reconcile_rows_pkey PRIMARY KEY (run_id, person_id);

ALTER TABLE ONLY public.reconcile_slices
    ADD CONSTRAINT reconcile_slices_pkey PRIMARY KEY (run_id, "position");

ALTER TABLE ONLY public.salesforce_authorizations
    ADD CONSTRAINT salesforce_authorizations_pkey PRIMARY KEY (state_hash);

ALTER TABLE ONLY public.salesforce_connection
    ADD CONSTRAINT salesforce_connection_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.salesforce_cursors
    ADD CONSTRAINT salesforce_cursors_pkey PRIMARY KEY (stream);

ALTER TABLE ONLY public.salesforce_records
    ADD CONSTRAINT salesforce_records_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.salesforce_reps
    ADD CONSTRAINT salesforce_reps_pkey PRIMARY KEY (email);

ALTER TABLE ONLY public.seen_changes
    ADD CONSTRAINT seen_changes_pkey PRIMARY KEY (stream, guid);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id_hash);

ALTER TABLE ONLY public.settings
    ADD CONSTRAINT settings_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.signin_failures
    ADD CONSTRAINT signin_failures_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.sync_cursors
    ADD CONSTRAINT sync_cursors_pkey PRIMARY KEY (stream);

ALTER TABLE ONLY public.sync_runs
    ADD CONSTRAINT sync_runs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.sync_samples
    ADD CONSTRAINT sync_samples_pkey PRIMARY KEY (run_id, at);

ALTER TABLE ONLY public.sync_slices
    ADD CONSTRAINT sync_slices_pkey PRIMARY KEY (run_id, "position");

ALTER TABLE ONLY public.task_history
    ADD CONSTRAINT task_history_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.touched_people
    ADD CONSTRAINT touched_people_pkey PRIMARY KEY (person_id);

ALTER TABLE ONLY public.unsubscribe_runs
    ADD CONSTRAINT unsubscribe_runs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.unsubscribes
    ADD CONSTRAINT unsubscribes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

CREATE INDEX activities_by_kind ON public.activities USING btree (kind, occurred_at DESC, id DESC);

CREATE INDEX activities_by_rep ON public.activities USING btree (rep_email, occurred_at DESC, id DESC);

CREATE INDEX activities_of_email ON public.activities USING btree (email_id) WHERE (email_id IS NOT NULL);

CREATE INDEX activities_of_person ON public.activities USING btree (person_id, occurred_at DESC, id DESC);

CREATE INDEX activities_recent ON public.activities USING btree (occurred_at DESC, id DESC);

CREATE INDEX activities_waiting ON public.activities USING btree (occurred_at DESC, id DESC) WHERE (person_id IS NULL);

CREATE INDEX activities_waiting_email ON public.activities USING btree (person_email_key) WHERE ((person_id IS NULL) AND (person_email_key IS NOT NULL));

CREATE INDEX activities_waiting_marketo ON public.activities USING btree (person_marketo_id) WHERE ((person_id IS NULL) AND (person_marketo_id IS NOT NULL));

CREATE INDEX activities_waiting_record ON public.activities USING btree ("left"(person_salesforce_id, 15)) WHERE ((person_id IS NULL) AND (person_salesforce_id IS NOT NULL));

CREATE INDEX activities_without_email ON public.activities USING btree (token_id, email_key) WHERE ((email_id IS NULL) AND (email_key IS NOT NULL));

CREATE INDEX audit_events_by_action ON public.audit_events USING btree (action, id DESC);

CREATE INDEX audit_events_by_actor ON public.audit_events USING btree (actor, id DESC);

CREATE INDEX deliveries_due ON public.deliveries USING btree (destination, operation, due_at, id) WHERE ((state = 'pending'::text) AND (hold IS NULL));

CREATE INDEX deliveries_failed ON public.deliveries USING btree (destination, error_code, id) WHERE (state = 'failed'::text);

CREATE INDEX deliveries_held ON public.deliveries USING btree (hold, activity_id) WHERE (hold IS NOT NULL);

CREATE INDEX deliveries_listed ON public.deliveries USING btree (destination, state, kind, occurred_at DESC, activity_id DESC) WHERE (kind IS NOT NULL);

CREATE INDEX deliveries_logged_there ON public.deliveries USING btree (remote_id) WHERE ((destination = 'salesforce'::text) AND (activity_id IS NOT NULL) AND (remote_id IS NOT NULL));

CREATE UNIQUE INDEX deliveries_of_task ON public.deliveries USING btree (task_id) WHERE (task_id IS NOT NULL);

CREATE UNIQUE INDEX deliveries_of_unsubscribe ON public.deliveries USING btree (unsubscribe_id) WHERE (unsubscribe_id IS NOT NULL);

CREATE INDEX deliveries_retried ON public.deliveries USING btree (destination, error_code) WHERE ((state = 'pending'::text) AND (error_code IS NOT NULL));

CREATE UNIQUE INDEX deliveries_task_there ON public.deliveries USING btree (remote_id) WHERE ((task_id IS NOT NULL) AND (remote_id IS NOT NULL));

CREATE INDEX deliveries_unknown ON public.deliveries USING btree (destination, operation, due_at) WHERE (state = 'sending'::text);

CREATE INDEX people_archived ON public.people USING btree (name_key, id) WHERE (archived_at IS NOT NULL);

CREATE INDEX people_archived_by_email ON public.people USING btree (email_key) WHERE (archived_at IS NOT NULL);

CREATE INDEX people_by_account ON public.people USING btree (salesforce_account_id) WHERE (salesforce_account_id IS NOT NULL);

CREATE INDEX people_by_company ON public.people USING btree (company_key, id) WHERE (archived_at IS NULL);

CREATE INDEX people_by_contact ON public.people USING btree (salesforce_contact_id) WHERE (salesforce_contact_id IS NOT NULL);

CREATE INDEX people_by_email ON public.people USING btree (email_key, id) WHERE (archived_at IS NULL);

CREATE INDEX people_by_lead ON public.people USING btree (salesforce_lead_id) WHERE (salesforce_lead_id IS NOT NULL);

CREATE INDEX people_by_marketo_created ON public.people USING btree (marketo_created_at);

CREATE INDEX people_by_name ON public.people USING btree (name_key, id) WHERE (archived_at IS NULL);

CREATE INDEX people_by_owner ON public.people USING btree (owner_id, name_key, id) WHERE (archived_at IS NULL);

CREATE INDEX people_by_source ON public.people USING btree (source_key, id) WHERE (archived_at IS NULL);

CREATE INDEX people_by_synced ON public.people USING btree (synced_at, id) WHERE (archived_at IS NULL);

CREATE INDEX people_by_title ON public.people USING btree (title_key, id) WHERE (archived_at IS NULL);

CREATE INDEX people_merged ON public.people USING btree (merged_into) WHERE (merged_into IS NOT NULL);

CREATE INDEX people_search ON public.people USING gin (search public.gin_trgm_ops) WITH (gin_pending_list_limit='1024');

CREATE INDEX people_unsubscribed ON public.people USING btree (name_key, id) WHERE ((archived_at IS NULL) AND unsubscribed);

CREATE INDEX people_with_opportunity ON public.people USING btree (name_key, id) WHERE ((archived_at IS NULL) AND (salesforce_opportunity_id IS NOT NULL));

CREATE INDEX person_changes_of_person ON public.person_changes USING btree (person_id, id DESC);

CREATE INDEX person_changes_of_run ON public.person_changes USING btree (run_id, id);

CREATE INDEX seen_changes_by_time ON public.seen_changes USING btree (seen_at);

CREATE INDEX sessions_expired ON public.sessions USING btree (expires_at);

CREATE INDEX sessions_of_user ON public.sessions USING btree (user_id);

CREATE INDEX signin_failures_by_address ON public.signin_failures USING btree (address, at);

CREATE INDEX signin_failures_by_email ON public.signin_failures USING btree (email, at);

CREATE UNIQUE INDEX sync_runs_one_in_progress ON public.sync_runs USING btree (kind) WHERE ((finished_at IS NULL) AND (kind <> 'follow'::text));

CREATE INDEX sync_runs_recent ON public.sync_runs USING btree (started_at DESC);

CREATE INDEX task_history_of_task ON public.task_history USING btree (task_id, id DESC);

CREATE INDEX tasks_changed ON public.tasks USING btree (updated_at, id) WHERE (deleted_at IS NULL);

CREATE INDEX tasks_done ON public.tasks USING btree (completed_at DESC, id DESC) WHERE ((status = 'complete'::text) AND (deleted_at IS NULL));

CREATE INDEX tasks_done_of_rep ON public.tasks USING btree (rep_email, completed_at DESC, id DESC) WHERE ((status = 'complete'::text) AND (deleted_at IS NULL));

CREATE INDEX tasks_former ON public.tasks USING gin (former_ids) WHERE (former_ids <> '{}'::text[]);

CREATE INDEX tasks_of_person ON public.tasks USING btree (person_id, status, COALESCE(due_on, 'infinity'::date), id) WHERE (deleted_at IS NULL);

CREATE INDEX tasks_of_rep ON public.tasks USING btree (rep_email, id) WHERE (deleted_at IS NULL);

CREATE INDEX tasks_open ON public.tasks USING btree (COALESCE(due_on, 'infinity'::date), id) WHERE ((status = 'open'::text) AND (deleted_at IS NULL));

CREATE INDEX tasks_open_of_rep ON public.tasks USING btree (rep_email, COALESCE(due_on, 'infinity'::date), id) WHERE ((status = 'open'::text) AND (deleted_at IS NULL));

CREATE INDEX tasks_waiting ON public.tasks USING btree ("left"(who_id, 15)) WHERE ((person_id IS NULL) AND (who_id IS NOT NULL));

CREATE INDEX touched_people_due ON public.touched_people USING btree (urgent DESC, due_at);

CREATE UNIQUE INDEX unsubscribe_runs_one ON public.unsubscribe_runs USING btree ((true)) WHERE (finished_at IS NULL);

CREATE INDEX unsubscribe_runs_recent ON public.unsubscribe_runs USING btree (started_at DESC);

CREATE INDEX unsubscribes_by_email ON public.unsubscribes USING btree (person_email_key) WHERE ((cleared_at IS NULL) AND (person_email_key IS NOT NULL));

CREATE INDEX unsubscribes_history ON public.unsubscribes USING btree (person_id, id DESC);

CREATE UNIQUE INDEX unsubscribes_of_person ON public.unsubscribes USING btree (person_id, ((source = 'salesforce'::text))) WHERE ((cleared_at IS NULL) AND (person_id IS NOT NULL));

CREATE INDEX unsubscribes_waiting ON public.unsubscribes USING btree (id) WHERE ((person_id IS NULL) AND (cleared_at IS NULL));

CREATE INDEX unsubscribes_waiting_marketo ON public.unsubscribes USING btree (person_marketo_id) WHERE ((person_id IS NULL) AND (cleared_at IS NULL) AND (person_marketo_id IS NOT NULL));

CREATE INDEX unsubscribes_waiting_salesforce ON public.unsubscribes USING btree ("left"(person_salesforce_id, 15)) WHERE ((person_id IS NULL) AND (cleared_at IS NULL) AND (person_salesforce_id IS NOT NULL));

CREATE UNIQUE INDEX users_email ON public.users USING btree (lower(email));

CREATE TRIGGER deliveries_kind BEFORE INSERT ON public.deliveries FOR EACH ROW WHEN (((new.kind IS NULL) AND (new.activity_id IS NOT NULL))) EXECUTE FUNCTION public.deliveries_kind();

ALTER TABLE ONLY public.activities
    ADD CONSTRAINT activities_email_id_fkey FOREIGN KEY (email_id) REFERENCES public.activities(id);

ALTER TABLE ONLY public.activities
    ADD CONSTRAINT activities_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.people(id);

ALTER TABLE ONLY public.activities
    ADD CONSTRAINT activities_token_id_fkey FOREIGN KEY (token_id) REFERENCES public.api_tokens(id);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_activity_id_fkey FOREIGN KEY (activity_id) REFERENCES public.activities(id);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_task_id_fkey FOREIGN KEY (task_id) REFERENCES public.tasks(id);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_unsubscribe_id_fkey FOREIGN KEY (unsubscribe_id) REFERENCES public.unsubscribes(id);

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.person_changes
    ADD CONSTRAINT person_changes_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.people(id);

ALTER TABLE ONLY public.person_changes
    ADD CONSTRAINT person_changes_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.sync_runs(id);

ALTER TABLE ONLY public.reconcile_differences
    ADD CONSTRAINT reconcile_differences_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.sync_runs(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.reconcile_rows
    ADD CONSTRAINT reconcile_rows_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.sync_runs(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.reconcile_slices
    ADD CONSTRAINT reconcile_slices_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.sync_runs(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.salesforce_authorizations
    ADD CONSTRAINT salesforce_authorizations_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.sync_samples
    ADD CONSTRAINT sync_samples_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.sync_runs(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.sync_slices
    ADD CONSTRAINT sync_slices_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.sync_runs(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.task_history
    ADD CONSTRAINT task_history_task_id_fkey FOREIGN KEY (task_id) REFERENCES public.tasks(id);

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.people(id);

ALTER TABLE ONLY public.unsubscribes
    ADD CONSTRAINT unsubscribes_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.people(id);
