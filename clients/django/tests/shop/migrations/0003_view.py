from django.db import migrations

from shop.operations import postgresql


class Migration(migrations.Migration):
    dependencies = [("shop", "0002_extension"), ("sessions", "0001_initial")]

    operations = [postgresql("CREATE VIEW viewed_session AS SELECT * FROM django_session", "DROP VIEW viewed_session")]
