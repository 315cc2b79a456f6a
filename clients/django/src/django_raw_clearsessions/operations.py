"""The extension in a migration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import router
from django.db.migrations.operations import base

from django_raw_clearsessions.extension import NAME

if TYPE_CHECKING:
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor
    from django.db.migrations.state import ProjectState


class RawClearSessionsExtension(base.Operation):
    """Creates the extension raw_clear_sessions; does nothing in databases that are not PostgreSQL.

    In the manner of `django.contrib.postgres.operations.CreateExtension`, but it can be imported and reversed where
    there is no PostgreSQL.

    `schema`: the schema to put it into, which has to exist; by default the first of the `search_path`.
    `if_available`: do nothing where the server does not have the extension's files, instead of failing.
    `hints`: passed to the routers' `allow_migrate`.
    """

    reversible = True
    if hasattr(base, "OperationCategory"):  # not in Django 4.2
        category = base.OperationCategory.ADDITION

    name = NAME

    def __init__(
        self, schema: str | None = None, if_available: bool = False, hints: dict[str, Any] | None = None
    ) -> None:
        self.schema = schema
        self.if_available = if_available
        self.hints = hints or {}

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change nothing: no model knows of the extension."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Create the extension unless it exists."""
        if not self._allowed(app_label, schema_editor):
            return
        if self.if_available and not self._available(schema_editor):
            return
        name = schema_editor.quote_name(self.name)
        schema = f" SCHEMA {schema_editor.quote_name(self.schema)}" if self.schema else ""
        schema_editor.execute(f"CREATE EXTENSION IF NOT EXISTS {name}{schema}", params=None)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Drop the extension, and with it its policies and history."""
        if self._allowed(app_label, schema_editor):
            schema_editor.execute(f"DROP EXTENSION IF EXISTS {schema_editor.quote_name(self.name)}")

    def describe(self) -> str:
        """Say what it does, for the output of management commands."""
        return f"Creates extension {self.name}"

    @property
    def migration_name_fragment(self) -> str:
        """The name of a migration that does nothing else."""
        return f"create_extension_{self.name}"

    def _allowed(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor) -> bool:
        connection = schema_editor.connection
        return connection.vendor == "postgresql" and router.allow_migrate(connection.alias, app_label, **self.hints)

    def _available(self, schema_editor: BaseDatabaseSchemaEditor) -> bool:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_catalog.pg_available_extensions WHERE name = %s", [self.name])
            return cursor.fetchone() is not None
