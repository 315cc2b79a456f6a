"""The app: for the system checks. The session engines and the migration operation work without it."""

from django.apps import AppConfig
from django.core import checks


class RawClearSessionsConfig(AppConfig):
    """Registers the system checks."""

    name = "django_raw_clearsessions"
    verbose_name = "raw_clear_sessions"

    def ready(self) -> None:
        """Register the checks; the database's are run by `check --database` and `migrate` only."""
        # Not earlier, and nothing from the package itself: another distribution may have overwritten __init__.py.
        from django_raw_clearsessions.checks import check_distribution, check_sessions_are_cleared  # noqa: PLC0415

        checks.register(check_distribution)
        checks.register(checks.Tags.database)(check_sessions_are_cleared)
