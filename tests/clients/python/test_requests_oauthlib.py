"""requests-oauthlib's BackendApplicationClient, by every way that it sends a secret."""

import pytest
from oauthlib.oauth2 import BackendApplicationClient
from oauthlib.oauth2.rfc6749.errors import InvalidClientError, InvalidScopeError
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from conftest import NAMES


def fetch(server, client, include_client_id, scope=None):
    backend = BackendApplicationClient(client_id=client.id, scope=scope)
    with OAuth2Session(client=backend) as oauth:
        return oauth.fetch_token(
            server.token_endpoint,
            client_id=client.id,
            client_secret=client.secret,
            include_client_id=include_client_id,
        )


# None and False send the secret by HTTP Basic, True sends it in the body.
@pytest.mark.parametrize("include_client_id", [None, False, True])
@pytest.mark.parametrize("name", NAMES)
def test_a_token_is_got(server, name, include_client_id):
    token = fetch(server, server.clients[name], include_client_id)
    assert token["token_type"] == "Bearer"
    assert token["expires_in"] == 3600
    assert token["scope"] == ["invoices.read", "view_schools"]


@pytest.mark.parametrize("include_client_id", [False, True])
def test_a_scope_is_asked_for(server, include_client_id):
    token = fetch(server, server.clients["PS256"], include_client_id, scope=["view_schools"])
    assert token["scope"] == ["view_schools"]


def test_basic_with_the_id_in_the_body_too(server):
    client = server.clients["ES256"]
    backend = BackendApplicationClient(client_id=client.id)
    with OAuth2Session(client=backend) as oauth:
        token = oauth.fetch_token(
            server.token_endpoint,
            auth=HTTPBasicAuth(client.id, client.secret),
            include_client_id=True,
        )
    assert token["token_type"] == "Bearer"


@pytest.mark.parametrize("include_client_id", [None, False, True])
def test_a_wrong_secret_is_invalid_client(server, include_client_id):
    wrong = type(server.clients["RS256"])(server.clients["RS256"].id, "wrong")
    with pytest.raises(InvalidClientError) as refused:
        fetch(server, wrong, include_client_id)
    assert refused.value.status_code == 401


def test_one_scope_too_many_is_invalid_scope(server):
    with pytest.raises(InvalidScopeError):
        fetch(server, server.clients["RS256"], None, scope=["view_schools", "nope"])
