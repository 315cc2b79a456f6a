from django.db import migrations, models

import shop.models
from shop.operations import postgresql


def create_sessions(name, *more_fields, expire_date=None, **options):
    """The operation that creates a session model."""
    fields = [
        ("session_key", models.CharField(max_length=40, primary_key=True, serialize=False)),
        ("session_data", models.TextField()),
        ("expire_date", expire_date or models.DateTimeField(db_index=True)),
        *more_fields,
    ]
    return migrations.CreateModel(name=name, fields=fields, options=options)


class Migration(migrations.Migration):
    initial = True

    operations = [
        postgresql("CREATE SCHEMA side", "DROP SCHEMA side"),
        create_sessions(
            "AccountSession",
            ("account_id", models.IntegerField(null=True)),
            expire_date=models.DateTimeField(db_column="Expires at", db_index=True),
            db_table='side"."Account\'s session',
        ),
        create_sessions("ArchivedSession", ("deleted", models.BooleanField(default=False))),
        create_sessions("LocalTimeSession", expire_date=shop.models.LocalTimeField()),
        create_sessions("ViewedSession", db_table="viewed_session", managed=False),
        create_sessions("DeviceSession"),
        migrations.CreateModel(
            name="Device",
            fields=[
                ("id", models.BigAutoField(primary_key=True)),
                ("session", models.ForeignKey(on_delete=models.CASCADE, to="shop.devicesession")),
            ],
        ),
        create_sessions("ParentSession"),
        migrations.CreateModel(
            name="ChildSession",
            fields=[
                (
                    "parentsession_ptr",
                    models.OneToOneField(
                        auto_created=True,
                        on_delete=models.CASCADE,
                        parent_link=True,
                        primary_key=True,
                        serialize=False,
                        to="shop.parentsession",
                    ),
                ),
                ("note", models.TextField()),
            ],
            bases=("shop.parentsession",),
        ),
    ]
