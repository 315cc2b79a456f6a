"""Libraries from PyPI."""

import os
import sys

from case import HERE, stores

Stores = stores([sys.executable, os.path.join(HERE, "python", "main.py")], [
    ("django_family/sessions", "Django sessions", "django_session"),
    ("django_family/cache", "Django database cache", "cache_table"),
    ("django_family/knox", "django-rest-knox", "knox_authtoken"),
    ("flask_family/flask-session", "Flask-Session", "sessions"),
    ("litestar_family/litestar", "Litestar", "web_session"),
])
