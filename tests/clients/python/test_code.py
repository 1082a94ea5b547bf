"""The authorization code grant: requests-oauthlib and Authlib as confidential and public clients."""

import json
import os

import pytest
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from oauthlib.oauth2.rfc6749.errors import AccessDeniedError, InvalidGrantError
from requests_oauthlib import OAuth2Session

from person import Person

BACK = {"web": "https://app.example/callback", "page": "https://page.example/callback"}


@pytest.fixture
def person(server):
    return Person(server, json.loads(os.environ["GRANTD_TEST_USER"]))


def oauthlib(server, name):
    client_id = server.clients[name].id
    return OAuth2Session(client_id, redirect_uri=BACK[name], scope="view_schools", pkce="S256")


def authlib(server, name):
    client = server.clients[name]
    method = "client_secret_basic" if client.secret else "none"
    return AuthlibSession(
        client.id,
        client.secret,
        redirect_uri=BACK[name],
        scope="view_schools",
        token_endpoint_auth_method=method,
        code_challenge_method="S256",
    )


@pytest.mark.parametrize("name", BACK)
def test_requests_oauthlib_to_the_refresh(server, person, name):
    client = server.clients[name]
    with oauthlib(server, name) as oauth:
        address, _ = oauth.authorization_url(server.authorization_endpoint)
        back = person.visit(address)
        token = oauth.fetch_token(
            server.token_endpoint,
            authorization_response=back,
            client_secret=client.secret,
            include_client_id=client.secret is None,
        )
        assert token["scope"] == ["view_schools"]
        auth = {"client_id": client.id, "client_secret": client.secret}
        body = {key: value for key, value in auth.items() if value}
        fresh = oauth.refresh_token(server.token_endpoint, **body)
        assert fresh["refresh_token"] != token["refresh_token"]
        with pytest.raises(InvalidGrantError):
            oauth.refresh_token(server.token_endpoint, token["refresh_token"], **body)


@pytest.mark.parametrize("name", BACK)
def test_authlib_to_the_refresh_and_the_revocation(server, person, name):
    with authlib(server, name) as oauth:
        verifier = generate_token(48)
        endpoint = server.authorization_endpoint
        address, state = oauth.create_authorization_url(endpoint, code_verifier=verifier)
        back = person.visit(address)
        token = oauth.fetch_token(
            server.token_endpoint, authorization_response=back, state=state, code_verifier=verifier
        )
        assert token["scope"] == "view_schools"
        fresh = oauth.refresh_token(server.token_endpoint, token["refresh_token"])
        assert fresh["refresh_token"] != token["refresh_token"]
        answer = oauth.revoke_token(f"{server.issuer}/oauth/revoke", fresh["refresh_token"])
        assert answer.status_code == 200
        with pytest.raises(OAuthError) as refused:
            oauth.refresh_token(server.token_endpoint, fresh["refresh_token"])
        assert refused.value.error == "invalid_grant"


def test_a_no_is_access_denied(server, person):
    with oauthlib(server, "web") as oauth:
        address, _ = oauth.authorization_url(server.authorization_endpoint, prompt="consent")
        back = person.visit(address, decision="deny")
        with pytest.raises(AccessDeniedError):
            oauth.fetch_token(server.token_endpoint, authorization_response=back)
