"""An application that listens to deletions, as audit logs, search indexes and caches do: for all models, its own
business being with others than sessions. Django then has to load each row that it deletes."""

from django.apps import AppConfig
from django.db.models.signals import post_delete


def hear(sender, instance, **_):
    """Nothing to do for a session."""


class Listener(AppConfig):
    name = "bench.site"

    def ready(self):
        post_delete.connect(hear)
