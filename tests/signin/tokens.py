"""ID tokens as a provider makes them, and as forgers would."""

import base64
import json
from datetime import datetime
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

ISSUER = "https://login.example.go.kr"
CLIENT = "hunmin"
NONCE = "n" * 43

RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"}, auto_kid=False)
EC = ECKey.generate_key("P-256", {"kid": "ec", "use": "sig"}, auto_kid=False)
ED = OKPKey.generate_key("Ed25519", {"kid": "ed", "use": "sig"}, auto_kid=False)
KEYS = [key.as_dict(private=False) for key in (RSA, EC, ED)]
"""What the provider publishes."""

STRANGERS_RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"}, auto_kid=False)
"""A key of somebody else, under the name of the provider's."""

_ANY = ["RS256", "RS384", "RS512", "PS256", "PS384", "ES256", "EdDSA", "Ed25519", "HS256", "HS512"]


def claims(now: datetime, **changes: Any) -> dict[str, Any]:
    """Return the claims of a token that holds; a change to None takes a claim out."""
    seconds = int(now.timestamp())
    said = {
        "iss": ISSUER,
        "sub": "person-7",
        "aud": CLIENT,
        "exp": seconds + 300,
        "iat": seconds,
        "nonce": NONCE,
        "name": "다나",
        **changes,
    }
    return {name: value for name, value in said.items() if value is not None}


def sign(
    said: dict[str, Any] | bytes,
    *,
    key: RSAKey | ECKey | OKPKey | OctKey = RSA,
    algorithm: str = "RS256",
    **header: Any,
) -> str:
    """Return a token; a part of the header that is None is left out."""
    shown = {"alg": algorithm, "kid": key.kid, **header}
    kept = {name: value for name, value in shown.items() if value is not None}
    payload = said if isinstance(said, bytes) else json.dumps(said).encode()
    registry = jws.JWSRegistry(algorithms=_ANY, strict_check_header=False)
    registry.max_header_length = 100_000
    return jws.serialize_compact(kept, payload, key, registry=registry)


def spell(header: Any, payload: Any, signature: bytes = b"") -> str:
    """Return a token as it was spelled, whatever it says."""
    return ".".join(
        base64.urlsafe_b64encode(
            part if isinstance(part, bytes) else json.dumps(part).encode()
        ).rstrip(b"=").decode()
        for part in (header, payload, signature)
    )  # fmt: skip
