-- Each stage keeps its own place: activities and unsubscribes had theirs in the tables of
-- the people sync and of tasks, so that two packages wrote one table.

-- +goose Up
CREATE TABLE activity_cursor (
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    read_to     timestamptz NOT NULL,
    read_all_at timestamptz NOT NULL
);
COMMENT ON TABLE activity_cursor IS 'How far waiting activities were compared with people who arrived.';
INSERT INTO activity_cursor (read_to, read_all_at)
SELECT coalesce(max(watermark), 'epoch'), coalesce(max(swept_at), 'epoch') FROM sync_cursors WHERE stream = 'waiting activities';

CREATE TABLE opt_out_cursor (
    only_row  boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    read_to   timestamptz NOT NULL,
    polled_at timestamptz NOT NULL
);
COMMENT ON TABLE opt_out_cursor IS 'How far opt-outs were read from Salesforce.';
INSERT INTO opt_out_cursor (read_to, polled_at) SELECT read_to, polled_at FROM salesforce_cursors WHERE stream = 'opt_outs';

-- +goose Down
DROP TABLE opt_out_cursor;
DROP TABLE activity_cursor;
