"""gunicorn server:app with BENCH_SECRET: opaque tokens of the client `bench`, everything by default."""

import os
import secrets

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import include, path

settings.configure(
    SECRET_KEY=secrets.token_urlsafe(50),
    DEBUG=False,
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF=__name__,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": f"{os.getcwd()}/django.db",
            "OPTIONS": {"timeout": 30, "transaction_mode": "IMMEDIATE"},
        }
    },
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider"],
    OAUTH2_PROVIDER={"SCOPES": {"invoices.read": "Read", "view_schools": "View"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
)
django.setup()
call_command("migrate", verbosity=0)

from oauth2_provider.models import Application  # noqa: E402

Application.objects.get_or_create(
    client_id="bench",
    defaults={
        "name": "bench",
        "client_secret": os.environ["BENCH_SECRET"],
        "client_type": Application.CLIENT_CONFIDENTIAL,
        "authorization_grant_type": Application.GRANT_CLIENT_CREDENTIALS,
    },
)

urlpatterns = [path("o/", include("oauth2_provider.urls", namespace="oauth2_provider"))]
app = get_wsgi_application()
