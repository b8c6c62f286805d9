-- What keeps every replica together, across restarts, within the limits of the
-- other systems: one row is the clock of the calls, a few rows are the places
-- for calls in flight, and the usage is counted by day and purpose.

-- +goose Up
CREATE TABLE api_pace (
    system        text PRIMARY KEY,
    next_call_at  timestamptz NOT NULL DEFAULT '-infinity',
    blocked_until timestamptz,
    blocked_why   text,
    spent_until   timestamptz
);

CREATE TABLE api_slots (
    system       text NOT NULL,
    slot         int NOT NULL,
    holder       text,
    leased_until timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (system, slot)
);

CREATE TABLE api_usage (
    system  text NOT NULL,
    day     date NOT NULL,
    purpose text NOT NULL,
    calls   bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (system, day, purpose)
);

-- A lease says which process does a piece of work that only one may do at a time.
CREATE TABLE leases (
    name       text PRIMARY KEY,
    holder     text NOT NULL,
    expires_at timestamptz NOT NULL
);

-- +goose Down
DROP TABLE leases, api_usage, api_slots, api_pace;
