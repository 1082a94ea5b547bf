"""gunicorn server:app with BENCH_ALG and BENCH_SECRET: tokens of the client `bench`, JWTs or opaque."""

import os
import time

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.integrations.sqla_oauth2 import (
    OAuth2ClientMixin,
    OAuth2TokenMixin,
    create_query_client_func,
    create_save_token_func,
)
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from joserfc.jwk import KeySet, RSAKey, ECKey

ALG = os.environ["BENCH_ALG"]
SCOPE = "invoices.read view_schools"

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{os.getcwd()}/authlib.db"
if ALG == "opaque":
    app.config["OAUTH2_TOKEN_EXPIRES_IN"] = {"client_credentials": 3600}
db = SQLAlchemy(app)


class Client(db.Model, OAuth2ClientMixin):
    id = db.Column(db.Integer, primary_key=True)


class Token(db.Model, OAuth2TokenMixin):
    id = db.Column(db.Integer, primary_key=True)
    user_id = db.Column(db.Integer)


class ClientCredentials(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_post"]


class Generator(JWTBearerTokenGenerator):
    key_set = KeySet([
        RSAKey.generate_key(2048, {"kid": "RS256", "use": "sig"}),
        ECKey.generate_key("P-256", {"kid": "ES256", "use": "sig"}),
    ])

    def get_jwks(self):
        return self.key_set

    def get_audiences(self, client, user, scope):
        return "https://api.example"


def store_nothing(_token, _request):
    """A JWT needs no row."""


save = create_save_token_func(db.session, Token) if ALG == "opaque" else store_nothing
server = AuthorizationServer(app, create_query_client_func(db.session, Client), save)
server.register_grant(ClientCredentials)
if ALG != "opaque":
    server.register_token_generator("default", Generator(issuer="http://127.0.0.1", alg=ALG))

with app.app_context():
    db.create_all()
    if Client.query.first() is None:
        client = Client(
            client_id="bench",
            client_secret=os.environ["BENCH_SECRET"],
            client_id_issued_at=int(time.time()),
        )
        client.set_client_metadata({
            "client_name": "bench",
            "grant_types": ["client_credentials"],
            "token_endpoint_auth_method": "client_secret_post",
            "scope": SCOPE,
        })
        db.session.add(client)
        db.session.commit()


@app.post("/token")
def token():
    return server.create_token_response()
