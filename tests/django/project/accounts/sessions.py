"""The session engine of AccountSession: SESSION_ENGINE = "accounts.sessions"."""

from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore

from accounts.models import AccountSession


class SessionStore(DatabaseSessionStore):
    @classmethod
    def get_model_class(cls):
        return AccountSession

    def create_model_instance(self, data):
        session = super().create_model_instance(data)
        session.account_id = data.get("account_id")
        return session
