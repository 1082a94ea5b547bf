"""Tokens as a resource server with PyJWT sees them: keys from the JWKS, all algorithms."""

import jwt
import pytest
import requests

from conftest import ALGS


@pytest.fixture(scope="module")
def keys(server):
    return jwt.PyJWKClient(server.jwks_uri)


def fetch(server, name):
    client = server.clients[name]
    answer = requests.post(
        server.token_endpoint,
        data={"grant_type": "client_credentials"},
        auth=(client.id, client.secret),
        timeout=5,
    )
    answer.raise_for_status()
    return answer.json()["access_token"]


@pytest.mark.parametrize("alg", ALGS)
def test_a_token_is_verified(server, keys, alg):
    token = fetch(server, alg)
    key = keys.get_signing_key_from_jwt(token)
    required = ["iss", "sub", "aud", "client_id", "iat", "exp", "jti", "scope"]
    verified = jwt.decode_complete(
        token,
        key,
        algorithms=[alg],
        issuer=server.issuer,
        audience=server.issuer,
        options={"require": required},
    )
    assert verified["header"]["typ"] == "at+jwt"
    claims = verified["payload"]
    assert claims["sub"] == claims["client_id"] == server.clients[alg].id
    assert claims["scope"] == "invoices.read view_schools"
    assert claims["exp"] - claims["iat"] == 3600


@pytest.mark.parametrize("alg", ALGS)
def test_a_token_for_another_audience_is_refused(server, keys, alg):
    token = fetch(server, alg)
    key = keys.get_signing_key_from_jwt(token)
    with pytest.raises(jwt.InvalidAudienceError):
        jwt.decode(
            token,
            key,
            algorithms=[alg],
            issuer=server.issuer,
            audience="https://other.example",
        )


def test_the_keys_say_what_they_are_for(keys):
    known = {(key.algorithm_name, key.public_key_use) for key in keys.get_jwk_set().keys}
    assert known == {(alg, "sig") for alg in ALGS}
