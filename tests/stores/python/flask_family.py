"""Flask-Session with Flask-SQLAlchemy."""

from datetime import timedelta

from flask import Flask
from flask_session import Session


class FlaskSession:
    def __init__(self):
        app = Flask("stores")
        app.config.update(SESSION_TYPE="sqlalchemy", SECRET_KEY="stores", SQLALCHEMY_DATABASE_URI="postgresql+psycopg://",
                          SESSION_CLEANUP_N_REQUESTS=None)
        Session(app)
        app.app_context().push()
        self.interface = app.session_interface

    def write(self, key, offset):
        self.interface._upsert_session(offset, self.interface.session_class({"key": key}, sid=key), key)

    # Not by the interface, which passes over what has expired and deletes it.
    def load(self, key):
        database = self.interface.client
        model = self.interface.sql_session_model
        found = database.session.query(model).filter_by(session_id=key).first()
        return found is not None and self.interface.serializer.decode(found.data)["key"] == key


STORES = {"flask-session": FlaskSession}
