"""The extension raw_clear_sessions in a PostgreSQL database: where it is, and the calls."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from django.db import DatabaseError, transaction

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

logger = logging.getLogger("django_raw_clearsessions")

NAME = "raw_clear_sessions"
FUNCTION = "raw_clear_sessions"
PROCEDURE = "raw_clear_sessions_in_batches"

# Every parameter is given, with its type: so no function of the same name that somebody else has put into the
# extension's schema is a better match.
RULE = """
    "table" => CAST(%s AS pg_catalog.regclass),
    expires => CAST(%s AS pg_catalog.text),
    keep => CAST(NULL AS pg_catalog.interval),
    unit => CAST(NULL AS pg_catalog.text),
    time_zone => CAST(NULL AS pg_catalog.text),
    filter => CAST(NULL AS pg_catalog.text)"""
LIMITS = """,
    batch_size => CAST(NULL AS pg_catalog.int4),
    max_rows => CAST(NULL AS pg_catalog.int8),
    max_duration => CAST(NULL AS pg_catalog.interval),
    deleted => CAST(NULL AS pg_catalog.int8)"""


class Extension(NamedTuple):
    """The extension as the connected role finds it."""

    schema: str
    """The schema's name, quoted."""
    callable: frozenset[str]
    """Which of its functions and procedures the role may call."""


def find(connection: BaseDatabaseWrapper) -> Extension | None:
    """Look the extension up; None where it is not installed."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT
                pg_catalog.quote_ident(n.nspname),
                ARRAY(
                    SELECT p.proname::pg_catalog.text
                    FROM pg_catalog.pg_depend AS d
                    JOIN pg_catalog.pg_proc AS p ON p.oid = d.objid
                    WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                        AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                        AND d.refobjid = e.oid
                        AND pg_catalog.has_schema_privilege(p.pronamespace, 'USAGE')
                        AND pg_catalog.has_function_privilege(p.oid, 'EXECUTE')
                )
            FROM pg_catalog.pg_extension AS e
            JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
            WHERE e.extname = %s
            """,
            [NAME],
        )
        row = cursor.fetchone()
    return None if row is None else Extension(row[0], frozenset(row[1]))


def clear(connection: BaseDatabaseWrapper, *, table: str, column: str, in_batches: bool) -> int | None:
    """Return how many rows the extension has deleted; None where it cannot be called for this table.

    `table` is quoted, `column` is not. In batches only where each batch can be committed: not in a transaction.
    """
    extension = find(connection)
    if extension is None:
        logger.debug("the extension %s is not installed in database '%s'", NAME, connection.alias)
        return None
    # A percent sign would begin a placeholder.
    schema = extension.schema.replace("%", "%%")
    try:
        if in_batches and PROCEDURE in extension.callable and _commits_each_statement(connection):
            return _call(connection, f"CALL {schema}.{PROCEDURE}({RULE}{LIMITS})", table, column)
        if FUNCTION in extension.callable:
            # A savepoint, if this is part of a transaction: so that it can go on after an error.
            with transaction.atomic(using=connection.alias):
                return _call(connection, f"SELECT {schema}.{FUNCTION}({RULE})", table, column)
    except DatabaseError as error:
        if is_being_cleared(error):
            # Met now and then, it is of no account; met each time, nobody clears the table.
            logger.warning("%s", error)
            return 0
        if not is_impossible(error):
            raise
        logger.warning("%s cannot clear %s: %s", NAME, table, error)
        return None
    logger.warning("%s cannot clear %s: permission denied", NAME, table)
    return None


def _commits_each_statement(connection: BaseDatabaseWrapper) -> bool:
    return connection.get_autocommit() and not connection.in_atomic_block


def _call(connection: BaseDatabaseWrapper, sql: str, table: str, column: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, [table, column])
        (deleted,) = cursor.fetchone()
    return int(deleted)


def is_being_cleared(error: DatabaseError) -> bool:
    """Whether the extension has refused, because another session is clearing the table already."""
    return _sqlstate(error) == "55P03" and "is being cleared by another session" in str(error)


def is_impossible(error: DatabaseError) -> bool:
    """Whether the extension cannot do what is asked, where a `DELETE` may be able to.

    Not supported (0A), invalid values (22), wrong or missing objects and privileges (42), no library file (58P01).
    Everything else, such as a timeout or a read-only transaction, would meet a `DELETE` too.
    """
    sqlstate = _sqlstate(error)
    return sqlstate[:2] in {"0A", "22", "42"} or sqlstate == "58P01"


def _sqlstate(error: DatabaseError) -> str:
    cause = error.__cause__
    # As psycopg calls it, and as psycopg2 does.
    return getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None) or ""
