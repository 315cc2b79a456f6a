"""SQL for PostgreSQL only, in migrations that SQLite runs too."""

from django.db import migrations


def postgresql(forwards, backwards):
    def run(sql):
        def code(apps, schema_editor):
            if schema_editor.connection.vendor == "postgresql":
                schema_editor.execute(sql, params=None)

        return code

    return migrations.RunPython(run(forwards), run(backwards))
