-- A table with leaves, and books about it: what is altered, and what must hold from then on, is written in one
-- transaction, under the lock that the alteration takes. A statement that breaks it leaves a row in book.violation.
CREATE SCHEMA book;
CREATE SCHEMA main;
CREATE SCHEMA twin;
GRANT USAGE ON SCHEMA book, main, twin TO storm_owner, storm_other;

CREATE TABLE book.tree (root regclass PRIMARY KEY, partitioned boolean);
CREATE TABLE book.leaf (number integer PRIMARY KEY, leaf regclass);
CREATE TABLE book.live (id bigint PRIMARY KEY);
CREATE TABLE book.bystander (relation regclass, id bigint);
CREATE TABLE book.fired (id bigint);
CREATE TABLE book.watched (what text, relation oid, id bigint);
CREATE TABLE book.touched (relation oid);
CREATE TABLE book.violation (what text);
CREATE TABLE book.struck (what text, failed boolean);
CREATE SEQUENCE book.id;

-- The rows of a relation, whatever its policies say: these functions are the superuser's.
CREATE FUNCTION book.ids(relation oid) RETURNS SETOF bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT id FROM %s', relation::regclass);
END
$$;
CREATE FUNCTION book.is_attached(leaf oid) RETURNS boolean LANGUAGE sql AS
    'SELECT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = leaf)';
CREATE FUNCTION book.violated(what text, number bigint) RETURNS void LANGUAGE sql AS
    'INSERT INTO book.violation SELECT what || '': '' || number WHERE number > 0';

-- What nobody may delete, from now on until it is no longer watched; with fired, not without having fired the trigger.
CREATE FUNCTION book.watch(what text, relation oid) RETURNS void LANGUAGE sql AS
    'INSERT INTO book.watched SELECT what, relation, book.ids(relation)';
-- A row of a leaf that is detached meanwhile is still there.
CREATE FUNCTION book.unwatch(kind text, of_relation oid) RETURNS void LANGUAGE sql AS $$
    SELECT book.violated(kind || ' of ' || of_relation::regclass, count(*)) FROM book.watched
    WHERE what = kind AND relation = of_relation AND id NOT IN (SELECT book.ids(leaf) FROM book.leaf)
        AND (kind <> 'fired' OR id NOT IN (SELECT id FROM book.fired));
    DELETE FROM book.watched WHERE what = kind AND relation = of_relation
$$;

CREATE FUNCTION book.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO book.fired VALUES (old.id);
    RETURN old;
END
$$;

-- Alters something in the session that clears, while it clears.
CREATE FUNCTION book.meddle() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    other regclass;
BEGIN
    IF old.id % 7 = 1 THEN
        SELECT leaf INTO other FROM book.leaf WHERE leaf <> tg_relid ORDER BY random() LIMIT 1;
        PERFORM book.strike((ARRAY['retype', 'trigger', 'key', 'swap', 'cluster', 'refill'])[1 + random() * 5], other);
    END IF;
    RETURN old;
END
$$;

-- The next of the types that a column may get, each with a width of its own.
CREATE FUNCTION book.retype(relation regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    new text;
BEGIN
    SELECT CASE atttypid::regtype::text WHEN 'uuid' THEN 'bigint USING 1' WHEN 'bigint' THEN 'varchar(20) USING ''x'''
        ELSE 'uuid USING ''a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11''' END
    INTO new FROM pg_attribute WHERE attrelid = relation AND attname = 'tenant';
    EXECUTE format('ALTER TABLE %s ALTER tenant TYPE %s', relation, new);
END
$$;

CREATE FUNCTION book.trigger(leaf regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = leaf AND tgname = 'note') THEN
        EXECUTE format('DROP TRIGGER note ON %s', leaf);
        PERFORM book.unwatch('fired', leaf);
    ELSE
        EXECUTE format('CREATE TRIGGER note BEFORE DELETE ON %s FOR EACH ROW EXECUTE FUNCTION book.note()', leaf);
        PERFORM book.watch('fired', leaf);
    END IF;
END
$$;

-- A foreign key that points at a leaf, with a row for some of the rows there.
CREATE FUNCTION book.key(leaf regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    account text := 'book.account_' || leaf::oid;
    dangling bigint;
BEGIN
    IF EXISTS (SELECT FROM pg_constraint WHERE conrelid = account::regclass AND contype = 'f') THEN
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT of_session', account);
        EXECUTE format('SELECT count(*) FROM %s WHERE session NOT IN (SELECT id FROM %s)', account, leaf) INTO dangling;
        PERFORM book.violated('dangling keys to ' || leaf, dangling);
    ELSE
        EXECUTE format('TRUNCATE %s', account);
        EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', leaf);
        EXECUTE format('INSERT INTO %s SELECT id FROM %s WHERE random() < 0.3', account, leaf);
        EXECUTE format('ALTER TABLE %s ADD CONSTRAINT of_session FOREIGN KEY (session) REFERENCES %s (id) ON DELETE %s',
            account, leaf, CASE WHEN random() < 0.8 THEN 'CASCADE' ELSE 'NO ACTION' END);
    END IF;
END
$$;

CREATE FUNCTION book.attach(leaf regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    tree book.tree;
    number integer := (SELECT number FROM book.leaf l WHERE l.leaf = attach.leaf);
BEGIN
    SELECT * INTO tree FROM book.tree;
    INSERT INTO book.touched VALUES (leaf);
    IF book.is_attached(leaf) THEN
        EXECUTE format(CASE WHEN tree.partitioned THEN 'ALTER TABLE %1$s DETACH PARTITION %2$s'
            ELSE 'ALTER TABLE %2$s NO INHERIT %1$s' END, tree.root, leaf);
        PERFORM book.watch('detached', leaf);
    ELSE
        EXECUTE format('LOCK TABLE %s', leaf);
        PERFORM book.unwatch('detached', leaf);
        EXECUTE format(CASE WHEN tree.partitioned THEN 'ALTER TABLE %1$s ATTACH PARTITION %2$s FOR VALUES IN (%3$s)'
            ELSE 'ALTER TABLE %2$s INHERIT %1$s' END, tree.root, leaf, number);
    END IF;
END
$$;

-- A policy that hides all expired rows, also from the owner.
CREATE FUNCTION book.policy() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    root regclass := (SELECT root FROM book.tree);
BEGIN
    EXECUTE format('LOCK TABLE %s', root);
    INSERT INTO book.touched VALUES (root);
    IF EXISTS (SELECT FROM pg_policy WHERE polrelid = root) THEN
        EXECUTE format('DROP POLICY live ON %1$s; ALTER TABLE %1$s DISABLE ROW LEVEL SECURITY', root);
        PERFORM book.unwatch('hidden', root);
    ELSE
        PERFORM book.watch('hidden', root);
        EXECUTE format('CREATE POLICY live ON %1$s USING (expire_date > now());
            ALTER TABLE %1$s ENABLE ROW LEVEL SECURITY; ALTER TABLE %1$s FORCE ROW LEVEL SECURITY', root);
    END IF;
END
$$;

-- Another owner of the table, without rights for the one before: who clears as storm_owner deletes nothing any more.
CREATE FUNCTION book.owner() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    root regclass := (SELECT root FROM book.tree);
BEGIN
    EXECUTE format('LOCK TABLE %s', root);
    INSERT INTO book.touched VALUES (root);
    IF (SELECT relowner::regrole::text FROM pg_class WHERE oid = root) = 'storm_owner' THEN
        EXECUTE format('ALTER TABLE %s OWNER TO storm_other', root);
        PERFORM book.watch('owned by another', root);
    ELSE
        PERFORM book.unwatch('owned by another', root);
        EXECUTE format('ALTER TABLE %s OWNER TO storm_owner', root);
    END IF;
END
$$;

CREATE FUNCTION book.index(leaf regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    index regclass := (SELECT indexrelid FROM pg_index WHERE indrelid = leaf AND NOT indisunique);
BEGIN
    EXECUTE CASE WHEN index IS NULL THEN format('CREATE INDEX ON %s (expire_date)', leaf)
        ELSE format('DROP INDEX %s', index) END;
END
$$;

-- Every row in another place, of another file; those that were first come last.
CREATE FUNCTION book.refill(leaf regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('LOCK TABLE %1$s; CREATE TEMPORARY TABLE kept AS SELECT * FROM %1$s; TRUNCATE %1$s;
        INSERT INTO %1$s SELECT * FROM kept ORDER BY id DESC; DROP TABLE kept', leaf);
END
$$;

CREATE FUNCTION book.column(relation regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    added name := (SELECT attname FROM pg_attribute
        WHERE attrelid = relation AND attname ~ '^added' AND NOT attisdropped AND attinhcount = 0 LIMIT 1);
    columns integer := (SELECT max(attnum) FROM pg_attribute WHERE attrelid = relation);
BEGIN
    IF added IS NOT NULL THEN
        EXECUTE format('ALTER TABLE %s DROP COLUMN %s', relation, added);
    ELSIF columns < 500 THEN
        EXECUTE format('ALTER TABLE %s ADD COLUMN added%s integer DEFAULT 7', relation, columns);
    END IF;
END
$$;

-- One alteration, undone where it cannot be; whether it was made. A leaf is altered by its name: where another session has
-- swapped the schemas meanwhile, that may have been the name of another table.
CREATE FUNCTION book.strike(what text, leaf regclass) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    tree book.tree;
    altered regclass := leaf;
    name text := leaf;
BEGIN
    SELECT * INTO tree FROM book.tree;
    IF tree.partitioned THEN altered := tree.root; END IF;
    -- A partition that is detached has to fit when it comes back.
    IF tree.partitioned AND what IN ('retype', 'column') AND NOT (SELECT bool_and(book.is_attached(l.leaf)) FROM book.leaf l) THEN
        RETURN false;
    END IF;
    CASE what
    WHEN 'retype' THEN PERFORM book.retype(altered);
    WHEN 'column' THEN PERFORM book.column(altered);
    WHEN 'trigger' THEN PERFORM book.trigger(leaf);
    WHEN 'key' THEN PERFORM book.key(leaf);
    WHEN 'attach' THEN PERFORM book.attach(leaf);
    WHEN 'policy' THEN PERFORM book.policy();
    WHEN 'owner' THEN PERFORM book.owner();
    WHEN 'index' THEN PERFORM book.index(leaf);
    WHEN 'refill' THEN PERFORM book.refill(leaf);
    WHEN 'swap' THEN
        -- ALTER SCHEMA reads its row before it waits for who renames it: then it fails with XX000.
        LOCK TABLE book.tree IN EXCLUSIVE MODE;
        ALTER SCHEMA main RENAME TO swapped;
        ALTER SCHEMA twin RENAME TO main;
        ALTER SCHEMA swapped RENAME TO twin;
    WHEN 'rename' THEN
        EXECUTE format('ALTER TABLE %s RENAME TO %I', leaf, 'renamed' || nextval('book.id'));
    WHEN 'cluster' THEN
        EXECUTE format('CLUSTER %s USING %s', leaf,
            (SELECT conindid::regclass FROM pg_constraint WHERE conrelid = leaf AND contype = 'p'));
    WHEN 'leaf owner' THEN
        EXECUTE format('ALTER TABLE %s OWNER TO %I', leaf,
            CASE WHEN random() < 0.5 THEN 'storm_owner' ELSE 'storm_other' END);
    END CASE;
    IF what NOT IN ('swap', 'rename') AND name <> leaf::text THEN
        RAISE object_in_use USING MESSAGE = name || ' has become ' || leaf;
    END IF;
    INSERT INTO book.struck VALUES (what, false);
    RETURN true;
EXCEPTION WHEN OTHERS THEN
    -- What is in use, referenced, locked, or as it should be already. An error of the server's own is not expected.
    INSERT INTO book.struck VALUES (what, true);
    IF sqlstate !~ '^(0A|2B|40P01|42|55)' THEN
        INSERT INTO book.violation VALUES (format('%s of %s: %s %s', what, leaf, sqlstate, sqlerrm));
    END IF;
    RETURN false;
END
$$;

-- Undoes what is to be undone, and closes the books about it.
CREATE FUNCTION book.settle() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    l book.leaf;
    tree book.tree;
BEGIN
    SELECT * INTO tree FROM book.tree;
    FOR l IN TABLE book.leaf LOOP
        IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = l.leaf AND tgname = 'note') THEN PERFORM book.trigger(l.leaf); END IF;
        IF EXISTS (SELECT FROM pg_constraint WHERE confrelid = l.leaf AND contype = 'f') THEN PERFORM book.key(l.leaf); END IF;
        IF NOT book.is_attached(l.leaf) THEN PERFORM book.attach(l.leaf); END IF;
        EXECUTE format('ALTER TABLE %s OWNER TO storm_owner', l.leaf);
    END LOOP;
    IF EXISTS (SELECT FROM pg_policy WHERE polrelid = tree.root) THEN PERFORM book.policy(); END IF;
    IF (SELECT relowner::regrole::text FROM pg_class WHERE oid = tree.root) <> 'storm_owner' THEN PERFORM book.owner(); END IF;
END
$$;

-- Expired rows in the table that a clearing which says that it is done must not have left.
CREATE FUNCTION book.left_behind() RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM book.leaf, book.ids(leaf) AS id
    WHERE book.is_attached(leaf) AND id % 10 <> 0
        AND NOT EXISTS (SELECT FROM book.touched, book.tree WHERE relation IN (leaf, root))
$$;

-- What holds at all times: every live row is in a leaf, and no row is lost that belongs to others.
CREATE FUNCTION book.audit() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    lost bigint;
BEGIN
    SELECT count(*) INTO lost FROM book.live WHERE id NOT IN (SELECT book.ids(leaf) FROM book.leaf);
    PERFORM book.violated('live rows lost', lost);
    SELECT count(*) INTO lost FROM book.bystander AS b WHERE id NOT IN
        (SELECT book.ids(relation) FROM (SELECT DISTINCT relation FROM book.bystander) AS others);
    PERFORM book.violated('rows of other tables lost', lost);
    RETURN QUERY TABLE book.violation;
END
$$;

-- More rows: of ten, nine have expired.
CREATE FUNCTION book.fill(rows integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    l book.leaf;
    value text;
BEGIN
    TRUNCATE book.touched;
    FOR l IN TABLE book.leaf LOOP
        SELECT CASE atttypid::regtype::text WHEN 'uuid' THEN gen_random_uuid()::text WHEN 'bigint' THEN '1' ELSE 'x' END
        INTO value FROM pg_attribute WHERE attrelid = l.leaf AND attname = 'tenant';
        EXECUTE format('INSERT INTO %s (tenant, id, expire_date, created, kind, data)
            SELECT %L, n, CASE WHEN n %% 10 = 0 THEN ''2199-01-01'' ELSE ''2020-01-01'' END::timestamptz, ''2019-01-01'', %s,
                repeat(''x'', 150)
            FROM (SELECT nextval(''book.id'') AS n FROM generate_series(1, %s)) AS numbers', l.leaf, value, l.number, rows);
    END LOOP;
    INSERT INTO book.live SELECT id FROM book.leaf, book.ids(leaf) AS id WHERE id % 10 = 0 ON CONFLICT DO NOTHING;
END
$$;

CREATE PROCEDURE book.make(partitioned boolean, leaves integer, meddling boolean) LANGUAGE plpgsql AS $$
DECLARE
    columns text := 'tenant uuid, id bigint PRIMARY KEY, expire_date timestamptz, created timestamptz, kind integer, data text';
BEGIN
    EXECUTE CASE WHEN partitioned
        THEN format('CREATE TABLE main.root (%s) PARTITION BY LIST (kind)', replace(columns, 'PRIMARY KEY', ''))
        ELSE 'CREATE TABLE main.root (id bigint, expire_date timestamptz, created timestamptz, kind integer, data text)' END;
    ALTER TABLE main.root OWNER TO storm_owner;
    INSERT INTO book.tree VALUES ('main.root', partitioned);
    FOR number IN 1..leaves LOOP
        EXECUTE format('CREATE TABLE main.leaf%s (gone text, %s)', number, columns);
        EXECUTE format('ALTER TABLE main.leaf%1$s DROP COLUMN gone; ALTER TABLE main.leaf%1$s OWNER TO storm_owner;
            CREATE TABLE twin.leaf%1$s (id bigint, expire_date timestamptz);
            ALTER TABLE twin.leaf%1$s OWNER TO storm_owner;
            INSERT INTO twin.leaf%1$s SELECT n, ''2020-01-01'' FROM generate_series(%1$s * 1000 + 1, %1$s * 1000 + 500) AS n;
            INSERT INTO book.leaf VALUES (%1$s, ''main.leaf%1$s'')', number);
        EXECUTE format('CREATE TABLE book.account_%s (session bigint)', format('main.leaf%s', number)::regclass::oid);
    END LOOP;
    INSERT INTO book.bystander SELECT oid, book.ids(oid) FROM pg_class WHERE relnamespace = 'twin'::regnamespace AND relkind = 'r';
    PERFORM book.attach(leaf) FROM book.leaf ORDER BY number;
    -- In some leaves the session that clears is a storm of its own.
    IF meddling THEN
        CREATE TRIGGER meddle AFTER DELETE ON main.leaf1 FOR EACH ROW EXECUTE FUNCTION book.meddle();
    END IF;
END
$$;
