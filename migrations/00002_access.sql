-- Who may do what, who did what, and the keys to the other systems.

-- +goose Up
CREATE TABLE users (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email          text NOT NULL,
    name           text NOT NULL,
    role           text NOT NULL CHECK (role IN ('rep', 'admin')),
    password_hash  text,
    created_at     timestamptz NOT NULL DEFAULT now(),
    last_seen_at   timestamptz,
    deactivated_at timestamptz
);
CREATE UNIQUE INDEX users_email ON users (lower(email));

-- An invitation is a link; only the hash of its token is kept.
CREATE TABLE invitations (
    token_hash  bytea PRIMARY KEY,
    user_id     bigint NOT NULL UNIQUE REFERENCES users (id) ON DELETE CASCADE,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL
);

CREATE TABLE sessions (
    id_hash      bytea PRIMARY KEY,
    user_id      bigint REFERENCES users (id) ON DELETE CASCADE,
    data         bytea NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    address      text NOT NULL DEFAULT '',
    user_agent   text NOT NULL DEFAULT ''
);
CREATE INDEX sessions_of_user ON sessions (user_id);
CREATE INDEX sessions_expired ON sessions (expires_at);

CREATE TABLE signin_failures (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email   text NOT NULL,
    address text NOT NULL,
    at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX signin_failures_by_email ON signin_failures (email, at);
CREATE INDEX signin_failures_by_address ON signin_failures (address, at);

CREATE TABLE api_tokens (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text NOT NULL,
    scope        text NOT NULL CHECK (scope IN ('read', 'record', 'admin')),
    token_hash   bytea NOT NULL UNIQUE,
    hint         text NOT NULL,
    created_by   text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    revoked_at   timestamptz
);

CREATE TABLE audit_events (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT now(),
    actor   text NOT NULL,
    action  text NOT NULL,
    subject text NOT NULL DEFAULT '',
    details jsonb NOT NULL DEFAULT '{}',
    address text NOT NULL DEFAULT ''
);
CREATE INDEX audit_events_by_actor ON audit_events (actor, id DESC);
CREATE INDEX audit_events_by_action ON audit_events (action, id DESC);

-- What an admin set: one row per group, JSON typed in Go; version guards against lost edits.
CREATE TABLE settings (
    name       text PRIMARY KEY,
    value      jsonb NOT NULL,
    version    bigint NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by text NOT NULL
);

-- The other systems. Secrets are sealed (crypt.Box) with a key that is not in the database.
CREATE TABLE connections (
    system        text PRIMARY KEY CHECK (system IN ('marketo', 'salesforce')),
    endpoint      text NOT NULL,
    client_id     text NOT NULL,
    secret_sealed bytea NOT NULL,
    updated_at    timestamptz NOT NULL DEFAULT now(),
    updated_by    text NOT NULL
);

-- +goose Down
DROP TABLE connections, settings, audit_events, api_tokens, signin_failures, sessions, invitations, users;
