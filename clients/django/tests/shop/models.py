"""Session models as projects have them: with names of their own, and some that need care."""

from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models


class AccountSession(AbstractBaseSession):
    """In a schema that is not in the search_path, with names that need quotes."""

    # Django puts what it finds between quotes, so that this is "side"."Account's session".
    expire_date = models.DateTimeField(db_column="Expires at", db_index=True)
    account_id = models.IntegerField(null=True)

    class Meta:
        db_table = 'side"."Account\'s session'


class DeviceSession(AbstractBaseSession):
    """With rows of another table that belong to it."""


class Device(models.Model):
    session = models.ForeignKey(DeviceSession, models.CASCADE)


class ParentSession(AbstractBaseSession):
    pass


class ChildSession(ParentSession):
    """In two tables."""

    note = models.TextField()


class UndeletedSessions(BaseSessionManager):
    def get_queryset(self):
        return super().get_queryset().filter(deleted=False)


class ArchivedSession(AbstractBaseSession):
    """Of which some are hidden."""

    deleted = models.BooleanField(default=False)

    objects = UndeletedSessions()
    everything = models.Manager()


class LocalTimeField(models.DateTimeField):
    def db_type(self, connection):
        return "timestamp"


class LocalTimeSession(AbstractBaseSession):
    """With a column whose time zone the extension would have to be told."""

    expire_date = LocalTimeField()


class ViewedSession(AbstractBaseSession):
    """A view of django_session: the extension clears tables."""

    class Meta:
        managed = False
        db_table = "viewed_session"
