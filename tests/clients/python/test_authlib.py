"""Authlib's OAuth2Session, by both ways to send a secret."""

import pytest
import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url

from conftest import NAMES

METHODS = ["client_secret_basic", "client_secret_post"]


def session(client, method, **kwargs):
    return OAuth2Session(client.id, client.secret, token_endpoint_auth_method=method, **kwargs)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", NAMES)
def test_a_token_is_got(server, name, method):
    with session(server.clients[name], method) as oauth:
        token = oauth.fetch_token(server.token_endpoint, grant_type="client_credentials")
    assert token["token_type"] == "Bearer"
    assert token["expires_in"] == 3600
    assert token["scope"] == "invoices.read view_schools"
    assert not token.is_expired()


@pytest.mark.parametrize("method", METHODS)
def test_a_scope_is_asked_for(server, method):
    with session(server.clients["RS256"], method, scope="view_schools") as oauth:
        token = oauth.fetch_token(server.token_endpoint, grant_type="client_credentials")
    assert token["scope"] == "view_schools"


@pytest.mark.parametrize("method", METHODS)
def test_a_wrong_secret_is_invalid_client(server, method):
    with OAuth2Session(
        server.clients["RS256"].id, "wrong", token_endpoint_auth_method=method
    ) as oauth:
        with pytest.raises(OAuthError) as refused:
            oauth.fetch_token(server.token_endpoint, grant_type="client_credentials")
    assert refused.value.error == "invalid_client"
    assert refused.value.description


def test_one_scope_too_many_is_invalid_scope(server):
    with session(server.clients["RS256"], METHODS[0], scope="view_schools nope") as oauth:
        with pytest.raises(OAuthError) as refused:
            oauth.fetch_token(server.token_endpoint, grant_type="client_credentials")
    assert refused.value.error == "invalid_scope"


def test_the_session_renews_an_expired_token(server):
    with session(
        server.clients["ES256"],
        METHODS[0],
        token_endpoint=server.token_endpoint,
        grant_type="client_credentials",
    ) as oauth:
        first = oauth.fetch_token()
        oauth.token["expires_at"] = 0
        assert oauth.get(f"{server.issuer}/healthz").status_code == 200
        assert oauth.token["access_token"] != first["access_token"]


def test_the_metadata_are_valid(server):
    address = get_well_known_url(server.issuer, external=True)
    metadata = AuthorizationServerMetadata(requests.get(address, timeout=5).json())
    assert metadata["token_endpoint"] == server.token_endpoint
    assert metadata["jwks_uri"] == server.jwks_uri
    # The library asks for https in every address; the server under test has none.
    for key, value in metadata.items():
        if isinstance(value, str):
            metadata[key] = value.replace("http://", "https://")
    # And for response types, which a server without an authorization endpoint has none of;
    # RFC 8414 section 3.2 leaves out an empty list.
    if "authorization_endpoint" not in metadata:
        metadata.setdefault("response_types_supported", ["none"])
    metadata.validate()
