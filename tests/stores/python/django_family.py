"""Django, and what is written for it."""

import datetime
import os

import django
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone


class Sessions:
    def __init__(self, **more):
        options = {
            "INSTALLED_APPS": ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
            "DATABASES": {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"]}},
            "USE_TZ": True, "TIME_ZONE": "America/New_York", "SECRET_KEY": "stores",
        }
        options["INSTALLED_APPS"] += more.pop("apps", [])
        settings.configure(**options, **more)
        django.setup()
        call_command("migrate", verbosity=0)

    def write(self, key, offset):
        from django.contrib.sessions.backends.db import SessionStore
        store = SessionStore()
        store["key"] = key
        store.set_expiry(timezone.now() + offset)
        store.create()
        return store.session_key

    # Not by SessionStore, which passes over what has expired.
    def load(self, key):
        from django.contrib.sessions.models import Session
        found = Session.objects.filter(session_key=key).first()
        return found is not None and "key" in found.get_decoded()


class Cache(Sessions):
    def __init__(self):
        super().__init__(CACHES={"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache",
                                             "LOCATION": "cache_table", "OPTIONS": {"MAX_ENTRIES": 100000}}})
        call_command("createcachetable", verbosity=0)

    def write(self, key, offset):
        from django.core.cache import cache
        cache.set(key, key, offset.total_seconds())

    def load(self, key):
        from django.core.cache import cache
        return cache.get(key) == key


class Knox(Sessions):
    """django-rest-knox: of a token, the database has a digest."""

    def __init__(self):
        super().__init__(apps=["rest_framework", "knox"])
        from django.contrib.auth.models import User
        self.user = User.objects.create_user("a")

    def write(self, key, offset):
        from knox.models import AuthToken
        # One never expires.
        return AuthToken.objects.create(self.user, expiry=None if key == "live-2" else offset)[0].digest

    def load(self, digest):
        from knox.models import AuthToken
        return AuthToken.objects.filter(digest=digest).exists()


STORES = {"sessions": Sessions, "cache": Cache, "knox": Knox}
