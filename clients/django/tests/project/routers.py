"""Says which database the sessions are in, and where the extension may be created."""

from contextlib import contextmanager


class Router:
    write = "default"
    read = None  # where it is written

    def db_for_write(self, model, **hints):
        return self.write

    def db_for_read(self, model, **hints):
        return self.read or self.write

    def allow_migrate(self, db, app_label, model_name=None, extension=False, **hints):
        if model_name == "accountsession":
            return db != "sqlite"  # which knows no schemas
        return not (extension and db == "without_extension")


@contextmanager
def sessions_in(write, read=None):
    before = Router.write, Router.read
    Router.write, Router.read = write, read
    try:
        yield
    finally:
        Router.write, Router.read = before
