"""Django's session engine `django.contrib.sessions.backends.db`, cleared inside PostgreSQL."""

from django.contrib.sessions.backends import db

from django_raw_clearsessions.store import SessionStoreMixin

__all__ = ["SessionStore"]


class SessionStore(SessionStoreMixin, db.SessionStore):
    """Sessions in the database."""
