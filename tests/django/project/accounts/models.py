"""Sessions that know whose they are, after "Extending database-backed session engines" in Django's documentation."""

from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models


class AccountSession(AbstractBaseSession):
    account_id = models.IntegerField(null=True, db_index=True)

    objects = BaseSessionManager()

    @classmethod
    def get_session_store_class(cls):
        from accounts.sessions import SessionStore

        return SessionStore
