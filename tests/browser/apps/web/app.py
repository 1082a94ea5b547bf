"""A confidential client: a web program with a server of its own, by Flask and Authlib."""

import os
import secrets

from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import OAuth
from flask import Flask, session, url_for
from werkzeug.serving import make_server

# grantd is on the loopback interface, without TLS.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
ISSUER = os.environ["ISSUER"]
API = os.environ["API"]

app = Flask(__name__)
app.secret_key = secrets.token_bytes(32)
# By whoever is at the other end: tokens stay here, and browsers get a cookie.
tokens = {}


def keep(token, refresh_token=None, access_token=None):
    tokens[session["id"]] = token


oauth = OAuth(app)
oauth.register(
    "grantd",
    client_id=os.environ["CLIENT_ID"],
    client_secret=os.environ["CLIENT_SECRET"],
    server_metadata_url=f"{ISSUER}/.well-known/oauth-authorization-server",
    update_token=keep,
    client_kwargs={"scope": "view_schools", "code_challenge_method": "S256"},
)


@app.get("/")
def start():
    return '<title>Timetable</title><h1>Timetable</h1><a href="/connect">Connect</a>'


@app.get("/connect")
def connect():
    return oauth.grantd.authorize_redirect(url_for("callback", _external=True))


@app.get("/callback")
def callback():
    try:
        token = oauth.grantd.authorize_access_token()
    except OAuthError as refused:
        return f"<p>Refused: {refused.error}</p>"
    session["id"] = secrets.token_urlsafe()
    keep(token)
    return page(f"Connected, with: {token['scope']}")


@app.get("/schools")
def schools():
    answer = oauth.grantd.get(f"{API}/schools", token=tokens[session["id"]])
    if not answer.ok:
        return page(f"Refused: {answer.status_code}")
    told = answer.json()
    return page(f"Schools of {told['user']}: {', '.join(told['schools'])}")


@app.get("/later")
def later():
    """An hour later: Authlib finds the token expired, and gets the next by itself."""
    before = tokens[session["id"]]
    before["expires_at"] = 1
    said = schools()
    renewed = tokens[session["id"]]["refresh_token"] != before["refresh_token"]
    return said + f"<p>The refresh token is {'new' if renewed else 'OLD'}</p>"


def page(text):
    return (
        f"<title>Timetable</title><p>{text}</p>"
        '<a href="/schools">Show schools</a> <a href="/later">An hour later</a> <a href="/connect">Connect</a>'
    )


if __name__ == "__main__":
    server = make_server("127.0.0.1", 0, app)
    print(server.server_port, flush=True)
    server.serve_forever()
