"""A Django project with nothing but sessions, in the database that libpq's environment variables name."""

import os

SECRET_KEY = "for a throw-away server on a unix socket"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.sessions"]
if os.environ.get("BENCH_SIGNAL"):
    INSTALLED_APPS.append("bench.site.listener.Listener")
SESSION_ENGINE = os.environ.get("BENCH_SESSION_ENGINE", "django.contrib.sessions.backends.db")
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ["PGHOST"],
        "PORT": os.environ["PGPORT"],
        "USER": os.environ["PGUSER"],
        "NAME": os.environ["PGDATABASE"],
    }
}
