"""A small OpenID Connect provider on 127.0.0.1, for tests: whoever asks is let in at once, or refused.

It does what the standard asks of a provider in the authorization code flow (discovery, keys, PKCE,
nonce, a signed ID token, log-out) and checks what the client sends; joserfc signs.
"""

import base64
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT, SECRET = "litscale", "the client's secret"


@dataclass
class Provider:
    """A running provider. ``refuses`` sends people back as one does who may not come in."""

    url: str = ""
    refuses: bool = False
    claims: dict[str, str] = field(
        default_factory=lambda: {"sub": "1", "name": "Ann *Reviewer*", "email": "ann@example.org"}
    )
    log: list[str] = field(default_factory=list)
    asked: dict[str, dict[str, str]] = field(default_factory=dict)
    key: RSAKey = field(
        default_factory=lambda: RSAKey.generate_key(2048, {"kid": "test", "alg": "RS256", "use": "sig"})
    )

    def secrets(self) -> str:
        """The ``secrets.toml`` of a dashboard that lets this provider's people in."""
        return (
            '[auth]\nredirect_uri = "http://127.0.0.1:{port}/oauth2callback"\n'
            f'cookie_secret = "{secrets.token_hex(24)}"\nclient_id = "{CLIENT}"\nclient_secret = "{SECRET}"\n'
            f'server_metadata_url = "{self.url}/.well-known/openid-configuration"\n'
        )

    def discovery(self) -> dict[str, object]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "end_session_endpoint": f"{self.url}/logout",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def authorized(self, asked: dict[str, str]) -> str:
        """Where the browser goes next."""
        assert asked["client_id"] == CLIENT
        assert asked["response_type"] == "code"
        assert "openid" in asked["scope"].split()
        assert asked["code_challenge_method"] == "S256"
        if self.refuses:
            told = {"error": "access_denied", "error_description": "not of this team"}
        else:
            told = {"code": secrets.token_urlsafe()}
            self.asked[told["code"]] = asked
        return f"{asked['redirect_uri']}?{urlencode({**told, 'state': asked['state']})}"

    def token(self, given: dict[str, str], authorization: str) -> dict[str, object]:
        """The answer to a code, which is good for once."""
        asked = self.asked.pop(given["code"])
        assert base64.b64decode(authorization.removeprefix("Basic ")).decode() == f"{CLIENT}:{SECRET}"
        assert given["redirect_uri"] == asked["redirect_uri"]
        assert create_s256_code_challenge(given["code_verifier"]) == asked["code_challenge"]
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        token = jwt.encode({"alg": "RS256", "kid": "test"}, {**claims, **self.claims}, self.key)
        return {"access_token": secrets.token_urlsafe(), "token_type": "Bearer", "id_token": token}


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, dict(parse_qsl(urlsplit(self.path).query))
        self.provider.log.append(path)
        if path == "/authorize":
            self._go(self.provider.authorized(query))
        elif path == "/logout":
            self._go(query["post_logout_redirect_uri"])
        elif path == "/keys":
            self._say(KeySet([self.provider.key]).as_dict(private=False))
        else:
            self._say(self.provider.discovery())

    def do_POST(self) -> None:
        self.provider.log.append(self.path)
        given = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        self._say(self.provider.token(given, self.headers["Authorization"]))

    def _go(self, to: str) -> None:
        self.send_response(302)
        self.send_header("Location", to)
        self.end_headers()

    def _say(self, told: object) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@contextmanager
def providing() -> Iterator[Provider]:
    """Run a provider on a free port as long as the context lasts."""
    provider = Provider()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"provider": provider}))
    provider.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
