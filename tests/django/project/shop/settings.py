"""A small Django project with sessions in PostgreSQL: what the demo clears and the tests compare with.

The database is the one that libpq's environment variables name.
"""

import os

SECRET_KEY = "for a throw-away server on a unix socket"
USE_TZ = True
# Far from UTC, so that a mistake between the two shows; without daylight saving, because without USE_TZ Django can't
# tell the two hours of an autumn night apart.
TIME_ZONE = "Asia/Kolkata"

INSTALLED_APPS = [
    "django.contrib.sessions",
    "accounts",
]
# An application that listens to deletions, for the demo.
if os.environ.get("SHOP_LISTENS"):
    INSTALLED_APPS.append("bench.site.listener.Listener")

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ["PGHOST"],
        "PORT": os.environ["PGPORT"],
        "USER": os.environ["PGUSER"],
        "NAME": os.environ.get("SHOP_DATABASE", "shop"),
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "database": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "shop_cache",
    },
}
