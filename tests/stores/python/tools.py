"""python tools.py: what Alembic's autogenerate, and so Flask-Migrate, would write into a migration for models that have one
table, as a line of JSON."""

import json

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from sqlalchemy import Column, MetaData, String, Table, create_engine

models = MetaData()
Table("sessions", models, Column("id", String, primary_key=True))
with create_engine("postgresql+psycopg://").connect() as connection:
    script = produce_migrations(MigrationContext.configure(connection), models)
print(json.dumps({"plan": [render_python_code(script.upgrade_ops), render_python_code(script.downgrade_ops)]}))
