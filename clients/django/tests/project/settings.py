"""A Django project whose sessions can be in four databases: with the extension, without it, and not PostgreSQL.

The PostgreSQL server is the one that libpq's environment variables name.
"""

import os

SECRET_KEY = "for a throw-away server on a unix socket"
USE_TZ = True
# Far from UTC, so that a mistake between the two shows.
TIME_ZONE = "Asia/Kolkata"

INSTALLED_APPS = [
    "django.contrib.sessions",
    "django_raw_clearsessions",
    "shop",
]
SESSION_ENGINE = "django_raw_clearsessions.db"


def postgresql(name):
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ["PGHOST"],
        "PORT": os.environ["PGPORT"],
        "USER": os.environ["PGUSER"],
        "NAME": name,
    }


DATABASES = {
    "default": postgresql(os.environ.get("SHOP_DATABASE", "shop")),
    "without_extension": postgresql("shop_without_extension"),
    "sqlite": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
}
DATABASE_ROUTERS = ["project.routers.Router"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
