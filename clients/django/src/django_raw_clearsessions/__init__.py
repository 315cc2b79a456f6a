"""Django session engines whose expired sessions are cleared inside PostgreSQL.

The engines are `django_raw_clearsessions.db` and `django_raw_clearsessions.cached_db`; `SessionStoreMixin` makes one of
any other engine that keeps sessions in a model.
"""

from django_raw_clearsessions.store import SessionStoreMixin

__all__ = ["SessionStoreMixin"]
