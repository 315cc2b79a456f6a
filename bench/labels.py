"""What reports call the ways, in the order of the reports. Apart from ways.py, so that reports can be made where no
driver of PostgreSQL is."""

TABLE = "django_session"

LABELS = {
    "django_signals": "Django clearsessions, a delete signal connected",
    "django": "Django clearsessions",
    "django_raw": "django-raw-clearsessions",
    "delete": "DELETE",
    "skip_locked": "DELETE … SKIP LOCKED, 10,000 rows a commit",
    "ranges": "DELETE by ranges of ctid, asynchronous commits",
    "pg_cron": "pg_cron running DELETE",
    "delete_vacuum": "DELETE, VACUUM",
    "delete_vacuum_full": "DELETE, VACUUM FULL",
    "delete_repack": "DELETE, pg_repack",
    "copy_rename": "copy what stays, drop, rename",
    "copy_truncate": "copy what stays, TRUNCATE, copy back",
    "function": "raw_clear_sessions",
    "function_vacuum": "raw_clear_sessions, VACUUM",
    "procedure": "raw_clear_sessions_in_batches",
    "worker": "worker, default pace",
    "worker_unlimited": "worker, unlimited pace",
    "rewrite": "raw_clear_sessions_rewrite",
}
OURS = ("function", "function_vacuum", "procedure", "worker", "worker_unlimited", "rewrite")
