import base64, json, os, time, urllib.parse, urllib.request

_token, _until = None, 0.0

def token():
    """The token; a new one a minute before it ends."""
    global _token, _until
    if _token is None or time.monotonic() > _until:
        key = f"{os.environ['CLIENT_ID']}:{os.environ['CLIENT_SECRET']}"
        request = urllib.request.Request(
            "@TOKEN_ENDPOINT@",
            urllib.parse.urlencode(
                {"grant_type": "client_credentials", "scope": "@SCOPE@"}
            ).encode(),
            {"Authorization": "Basic " + base64.b64encode(key.encode()).decode()},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            said = json.load(answer)
        _token = said["access_token"]
        _until = time.monotonic() + said["expires_in"] - 60
    return _token

call = urllib.request.Request(
    os.environ["API_URL"], headers={"Authorization": "Bearer " + token()}
)
with urllib.request.urlopen(call, timeout=10) as answer:
    print(answer.read().decode())
