from django.db import migrations

from django_raw_clearsessions.operations import RawClearSessionsExtension
from shop.operations import postgresql


class Migration(migrations.Migration):
    """The extension in a schema that is not in the search_path, and whose name needs quotes."""

    dependencies = [("shop", "0001_initial")]

    operations = [
        postgresql('CREATE SCHEMA "Sessions 100%"', 'DROP SCHEMA "Sessions 100%"'),
        RawClearSessionsExtension(schema="Sessions 100%", hints={"extension": True}),
    ]
