"""The mixin: what `manage.py clearsessions` does with a session engine that has it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, cast

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections, router
from django.db.models.deletion import Collector
from django.utils import timezone

from django_raw_clearsessions import extension

if TYPE_CHECKING:
    from django.contrib.sessions.backends.db import SessionStore as _Engine
    from django.contrib.sessions.base_session import AbstractBaseSession
    from django.db.models import Model, QuerySet
else:
    _Engine = object  # whichever engine comes behind the mixin

logger = logging.getLogger("django_raw_clearsessions")


class SessionStoreMixin(_Engine):
    """Clears the expired sessions of any engine that keeps them in a model, without loading them.

    In PostgreSQL with the extension raw_clear_sessions, the extension does it; elsewhere one `DELETE` does. Neither
    sends delete signals. The mixin comes before the engine's own `SessionStore` in the list of bases.
    """

    @classmethod
    def clear_expired(cls) -> None:
        """Delete the sessions that have expired from the database that they are written to."""
        if not hasattr(cls, "get_model_class"):
            # In a cache, in files or in cookies: what to do there, only the engine knows.
            super().clear_expired()
            return
        model = cls.get_model_class()
        alias = router.db_for_write(model)
        sessions = model.objects.using(alias)
        expired = sessions.filter(expire_date__lt=timezone.now())
        if not _one_statement_deletes(expired):
            logger.info("%s: Django deletes, because other rows belong to the sessions", model._meta.label)
            super().clear_expired()
            return
        # Sessions that the manager hides are not to be touched, and the extension would see them.
        deleted = None if sessions.all().query.where else _clear_with_extension(model, alias)
        if deleted is None:
            deleted = expired._raw_delete(alias)
        logger.info("%s: deleted %s expired sessions in database '%s'", model._meta.label, deleted, alias)

    @classmethod
    async def aclear_expired(cls) -> None:
        """Do what `clear_expired` does, for callers that must not block."""
        await sync_to_async(cls.clear_expired)()


def _clear_with_extension(model: type[AbstractBaseSession], alias: str) -> int | None:
    """Return how many rows the extension has deleted; None where it cannot be had."""
    connection = connections[alias]
    if connection.vendor != "postgresql":
        return None
    return extension.clear(
        connection,
        # As Django writes it into its own statements.
        table=connection.ops.quote_name(model._meta.db_table),
        column=cast("str", model._meta.get_field("expire_date").column),
        in_batches=getattr(settings, "RAW_CLEAR_SESSIONS_IN_BATCHES", False),
    )


class _SignalsAside(Collector):
    """Django's judgement whether one statement can delete rows, made as if nobody listened to delete signals."""

    def _has_signal_listeners(self, model: type[Model]) -> bool:
        return False


def _one_statement_deletes(rows: QuerySet[AbstractBaseSession]) -> bool:
    """Whether nothing in other tables has to be deleted or changed with the rows."""
    return _SignalsAside(using=rows.db).can_fast_delete(rows)
