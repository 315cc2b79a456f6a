from django.contrib.postgres.operations import CreateExtension
from django.db import migrations


class Migration(migrations.Migration):
    """How a Django project gets the extension: its database's owner may create it."""

    dependencies = [("accounts", "0001_initial")]

    operations = [CreateExtension("raw_clear_sessions")]
