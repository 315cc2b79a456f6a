"""Writes sessions as a web site would, through the session engine, some of them long ago."""

from datetime import timedelta
from importlib import import_module
from unittest import mock

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser):
        parser.add_argument("--live", type=int, default=100)
        parser.add_argument("--expired", type=int, default=900)

    def handle(self, *, live, expired, **options):
        store = import_module(settings.SESSION_ENGINE).SessionStore
        now = timezone.now()
        for number in range(live + expired):
            # Django's sessions live for two weeks from when they are written.
            age = timedelta(hours=1) if number < live else timedelta(days=15 + number % 90)
            with mock.patch("django.utils.timezone.now", return_value=now - age):
                session = store()
                session["account_id"] = number
                session["cart"] = {"items": [number % 7, number % 11], "currency": "EUR"}
                session.create()
