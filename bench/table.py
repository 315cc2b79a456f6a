"""The session tables, and how a filled one is put back for the next measurement.

A filled table is a template database. Each measurement works in a fresh copy of it, whose files are copied as they are:
loaded, indexed, vacuumed and analyzed, so with all hint bits set.
"""

from dataclasses import dataclass

from .labels import TABLE

EXTENSIONS = ("raw_clear_sessions", "pg_prewarm", "pg_stat_statements", "pg_repack")

CREATE = f"""
CREATE TABLE {TABLE} (session_key varchar(40) NOT NULL, session_data text NOT NULL, expire_date timestamptz NOT NULL)
"""
# As Django's migrations make them.
CONSTRAINTS = f"""
ALTER TABLE {TABLE} ADD PRIMARY KEY (session_key);
CREATE INDEX django_session_session_key_c0390e0f_like ON {TABLE} (session_key varchar_pattern_ops);
"""
INDEX = f"CREATE INDEX django_session_expire_date_a5c62663 ON {TABLE} (expire_date)"

# Keys and data as Django's: 32 characters; a compressed, signed dictionary of about 230. Wide rows have 8 kB that do
# not compress, which go out of line. `place` says where in time a session stands, from 0 to 1: in the order of the rows
# ('ordered'), or spread evenly over the table by the golden ratio ('mixed'). What lies before `expired` has expired.
FILL = """
INSERT INTO {table} (session_key, session_data, expire_date)
SELECT md5('key' || number), {data},
    CASE WHEN place < {expired}
        THEN now() - interval '1 hour' - interval '120 days' * (1 - place / {expired})
        ELSE now() + interval '1 day' + interval '13 days' * (place - {expired})
    END
FROM (
    SELECT number, {place} AS place,
        translate(encode(sha512(number::text::bytea) || sha384(number::text::bytea), 'base64'), E'+/=\\n', '-_') AS hash
    FROM generate_series(0, {last}) AS number OFFSET 0
) AS session
"""
PLACES = {"mixed": "number * 0.6180339887498949 % 1", "ordered": "number / ({last} + 1.0)"}
NARROW = "'.eJx' || hash || ':1' || left(md5('time' || number), 5) || ':' || left(hash, 43)"
WIDE = "repeat(hash, 54)"


@dataclass(frozen=True)
class Table:
    """A filled session table. `expired` is the fraction of its rows that has."""

    rows: int
    expired: float = 0.9
    layout: str = "mixed"
    wide: bool = False
    index: bool = True

    @property
    def database(self) -> str:
        parts = [str(self.rows), f"{self.expired * 100:g}", self.layout]
        parts += ["wide"] * self.wide + ["no_index"] * (not self.index)
        return "template_" + "_".join(parts).replace(".", "_")

    def fill_statement(self) -> str:
        last = self.rows - 1
        return FILL.format(table=TABLE, last=last, expired=self.expired or 1e-9, data=WIDE if self.wide else NARROW,
                           place=f"({PLACES[self.layout]})::float8".format(last=last))


def create(server, table: Table):
    """Makes the template database of a table."""
    with server.connect() as session:
        session.execute(f"CREATE DATABASE {table.database}")
    with server.connect(table.database) as session:
        for extension in EXTENSIONS:
            if session.execute("SELECT 1 FROM pg_available_extensions WHERE name = %s", (extension,)).fetchone():
                session.execute(f"CREATE EXTENSION {extension}")
        session.execute(CREATE)
        if table.wide:
            session.execute(f"ALTER TABLE {TABLE} ALTER session_data SET STORAGE EXTERNAL")
        session.execute("SET maintenance_work_mem = '1GB'")
        session.execute(table.fill_statement())
        session.execute(CONSTRAINTS)
        if table.index:
            session.execute(INDEX)
        session.execute(f"VACUUM (ANALYZE) {TABLE}")


def restore(server, table: Table, database: str):
    """Makes a database anew, as a copy of a table's template."""
    replace(server, database, f"CREATE DATABASE {database} TEMPLATE {table.database} STRATEGY file_copy")


def use_up(server, table: Table, database: str):
    """Makes a database anew of a table's template itself, which is gone then."""
    replace(server, database, f"ALTER DATABASE {table.database} RENAME TO {database}")


def replace(server, database: str, statement: str):
    with server.connect() as session:
        session.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        session.execute(statement)


def warm(session):
    """Reads the table, its toast table and its indexes into shared buffers, as far as they go there."""
    session.execute(f"""
        SELECT pg_prewarm(member.oid::regclass) FROM pg_class AS c, LATERAL (
            SELECT c.oid UNION ALL SELECT c.reltoastrelid WHERE c.reltoastrelid <> 0
            UNION ALL SELECT indexrelid FROM pg_index WHERE indrelid IN (c.oid, c.reltoastrelid)
        ) AS member WHERE c.oid = '{TABLE}'::regclass""")


def count(session) -> tuple[int, int]:
    """How many rows there are, and how many of them have expired."""
    query = f"SELECT count(*), count(*) FILTER (WHERE expire_date < now()) FROM {TABLE}"
    return session.execute(query).fetchone()


def size(session) -> int:
    return session.execute(f"SELECT pg_total_relation_size('{TABLE}')").fetchone()[0]
