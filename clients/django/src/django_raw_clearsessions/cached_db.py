"""Django's session engine `django.contrib.sessions.backends.cached_db`, cleared inside PostgreSQL."""

from django.contrib.sessions.backends import cached_db

from django_raw_clearsessions.store import SessionStoreMixin

__all__ = ["SessionStore"]


class SessionStore(SessionStoreMixin, cached_db.SessionStore):
    """Sessions in the database, read through the cache."""
