-- Two functions that keep one answer in one place.
--
-- shared_clock is the time that all replicas agree on: leases, the pace of API calls and
-- the places in flight read it after they have locked their row. It exists so that a test
-- can replace it and let time pass.
--
-- person_now follows merges. Claims, look-ups and lists each had a copy of this, and one
-- of the copies followed a single merge only.

-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION shared_clock() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL SAFE AS $$ SELECT clock_timestamp() $$;
-- +goose StatementEnd
COMMENT ON FUNCTION shared_clock() IS 'The time that replicas agree on; tests replace it.';

-- +goose StatementBegin
CREATE FUNCTION person_now(person bigint) RETURNS bigint LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
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
-- +goose StatementEnd
COMMENT ON FUNCTION person_now(bigint) IS 'The person that someone is now: follows up to 20 merges, as far as the winners are in this database.';

-- +goose Down
DROP FUNCTION person_now(bigint);
DROP FUNCTION shared_clock();
