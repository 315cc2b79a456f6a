"""System checks: whether anything clears the sessions, and whether this package is the one that was meant."""

from __future__ import annotations

from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.core.checks import CheckMessage, Info, Warning as CheckWarning
from django.db import DatabaseError, connections, router, transaction

from django_raw_clearsessions import extension

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.apps import AppConfig
    from django.db.backends.base.base import BaseDatabaseWrapper

LABEL = "django_raw_clearsessions"
ORIGINAL = "django-raw-clearsessions"


def check_distribution(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Warn of the distribution whose place this one takes: the two overwrite each other's files."""
    try:
        metadata.distribution(ORIGINAL)
    except metadata.PackageNotFoundError:
        return []
    return [
        CheckWarning(
            f"{ORIGINAL} is installed beside raw-clear-sessions-django, and both are the package {LABEL}.",
            hint="Uninstall both, then install raw-clear-sessions-django again.",
            id=f"{LABEL}.W001",
        )
    ]


def check_sessions_are_cleared(
    app_configs: Sequence[AppConfig] | None, databases: Iterable[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Say when the extension is missing from the database that holds the sessions, or does not clear them there."""
    store = import_module(settings.SESSION_ENGINE).SessionStore
    if not hasattr(store, "get_model_class"):
        return []
    model = store.get_model_class()
    alias = router.db_for_write(model)
    connection = connections[alias]
    if alias not in (databases or ()) or connection.vendor != "postgresql":
        return []
    table = connection.ops.quote_name(model._meta.db_table)
    column = cast("str", model._meta.get_field("expire_date").column)
    try:
        with transaction.atomic(using=alias):
            return list(_messages(connection, table, column))
    except DatabaseError as error:
        if not extension.is_impossible(error):
            raise
        return [_unusable(alias, str(error).strip(), hint=None)]


def _messages(connection: BaseDatabaseWrapper, table: str, column: str) -> Iterable[CheckMessage]:
    found = extension.find(connection)
    if found is None:
        yield _missing(connection)
        return
    if extension.FUNCTION not in found.callable:
        hint = (
            f"GRANT USAGE ON SCHEMA {found.schema}, and EXECUTE ON FUNCTION {found.schema}.{extension.FUNCTION}, "
            "to the role that Django connects as."
        )
        yield _unusable(connection.alias, "permission denied", hint)
        return
    with connection.cursor() as cursor:
        # A table that is going to be created by the next migrate has nothing to clear.
        cursor.execute("SELECT pg_catalog.to_regclass(%s) IS NOT NULL", [table])
        if cursor.fetchone() == (False,):
            return
        cursor.execute(
            """
            SELECT off.note, s.source, s.failures, s.last_error
            FROM raw_clear_sessions.worker_off() AS off (note)
            LEFT JOIN raw_clear_sessions.status AS s ON s."table" = pg_catalog.to_regclass(%s)
            """,
            [table],
        )
        off, source, failures, last_error = cursor.fetchone()
    if source is None:
        yield _not_scheduled(found, table, column, off)
        return
    if off is not None:
        yield _scheduled_in_vain(table, source, off)
    if failures:
        yield CheckWarning(
            f"Clearing {table} fails, {failures} times in a row by now: {last_error}",
            hint="The view raw_clear_sessions.status says more.",
            id=f"{LABEL}.W004",
        )


def _missing(connection: BaseDatabaseWrapper) -> CheckMessage:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_catalog.pg_available_extensions WHERE name = %s", [extension.NAME])
        available = cursor.fetchone() is not None
    first = "" if available else "Install it on the server. "
    return Info(
        f"The extension {extension.NAME} is not installed in database '{connection.alias}': "
        "clearsessions sends one DELETE instead.",
        hint=f"{first}Add RawClearSessionsExtension() to a migration, or run CREATE EXTENSION {extension.NAME}.",
        id=f"{LABEL}.I001",
    )


def _unusable(alias: str, why: str, hint: str | None) -> CheckMessage:
    return CheckWarning(
        f"The extension {extension.NAME} cannot be used in database '{alias}': {why}.",
        hint=hint,
        id=f"{LABEL}.W002",
    )


def _not_scheduled(found: extension.Extension, table: str, column: str, off: str | None) -> CheckMessage:
    arguments = f"{_literal(table)}, expires => {_literal(column)}"
    worker = f"As for the worker: {off} " if off else ""
    return Info(
        f"No policy of {extension.NAME} clears {table}, nor is it in the setting raw_clear_sessions.tables.",
        hint=(
            f"As its owner, run SELECT {found.schema}.raw_clear_sessions_schedule({arguments}). {worker}"
            f"If something else runs clearsessions regularly, silence {LABEL}.I002."
        ),
        id=f"{LABEL}.I002",
    )


def _scheduled_in_vain(table: str, source: str, off: str) -> CheckMessage:
    scheduled = "by a policy" if source == "policy" else "in the setting raw_clear_sessions.tables"
    # The server says both: "the worker is off: Add ... and restart the server."
    why, _, hint = off.partition(": ")
    return CheckWarning(f"{table} is scheduled {scheduled}, but {why}.", hint=hint or None, id=f"{LABEL}.W003")


def _literal(text: str) -> str:
    quoted = text.replace("'", "''")
    return f"'{quoted}'"
