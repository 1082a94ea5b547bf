"""The server under test, as `cargo xtask clients` tells it."""

import json
import os
from dataclasses import dataclass

import pytest

# The server is on the loopback interface, without TLS.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

ALGS = ["RS256", "PS256", "ES256", "EdDSA"]
# "legacy" has an id and a secret brought in from elsewhere, full of characters that need escapes.
NAMES = [*ALGS, "legacy"]


@dataclass(frozen=True)
class Client:
    id: str
    # A public client has none.
    secret: str | None


@dataclass(frozen=True)
class Server:
    issuer: str
    clients: dict[str, Client]

    @property
    def token_endpoint(self):
        return f"{self.issuer}/oauth/token"

    @property
    def authorization_endpoint(self):
        return f"{self.issuer}/oauth/authorize"

    @property
    def jwks_uri(self):
        return f"{self.issuer}/.well-known/jwks.json"


@pytest.fixture(scope="session")
def server():
    clients = json.loads(os.environ["GRANTD_TEST_CLIENTS"])
    return Server(
        issuer=os.environ["GRANTD_TEST_ISSUER"],
        clients={
            name: Client(client["client_id"], client.get("client_secret"))
            for name, client in clients.items()
        },
    )
