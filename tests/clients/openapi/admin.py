"""Keeps schemathesis in possession of a living admin token, whatever it does to the admin's client.

It finds that client in the audit log sooner or later, and then rotates its secret like any other.
"""

import base64
import json
import os
import subprocess
import urllib.error
import urllib.request

import schemathesis

GRANTD = os.environ["GRANTD_TEST_BINARY"]
FOLDER = os.environ["GRANTD_TEST_FOLDER"]
ISSUER = os.environ["GRANTD_TEST_ISSUER"]
ADMIN = json.loads(os.environ["GRANTD_TEST_CLIENTS"])["admin"]
CLIENT = ADMIN["client_id"]


def grantd(*words):
    command = [GRANTD, *words, "--json"]
    return json.loads(subprocess.check_output(command, cwd=FOLDER, env={}))


def token(secret):
    basic = base64.b64encode(f"{CLIENT}:{secret}".encode()).decode()
    body = b"grant_type=client_credentials&scope=manage_system"
    request = urllib.request.Request(f"{ISSUER}/oauth/token", body, {"Authorization": f"Basic {basic}"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["access_token"]


@schemathesis.auth(refresh_interval=1)
class Admin:
    secret = ADMIN["client_secret"]

    def get(self, case, context):
        try:
            return token(self.secret)
        except urllib.error.HTTPError:
            grantd("client", "restore", CLIENT)
            grantd("client", "update", CLIENT, "--add-permission", "manage_system")
            self.secret = grantd("client", "rotate", CLIENT)["client_secret"]
            return token(self.secret)

    def set(self, case, data, context):
        case.headers["Authorization"] = f"Bearer {data}"
