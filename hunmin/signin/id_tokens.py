"""Whether an ID token says who somebody is. Pure: no clock, no network, no settings.

An ID token is what an OpenID provider says of a person, signed. It is believed only where every
part of it is as it must be: the signature by a key of that provider, in one of four algorithms;
issuer, audience and nonce those of this very sign-in; and the time. Addresses and keys that a
token brings along (`jku`, `jwk`, `x5u`) are never looked at.

Source: OpenID Connect Core 1.0, 3.1.3.7; RFC 8725, "JSON Web Token Best Current Practices".
"""

import base64
import hashlib
import hmac
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from typing_extensions import override

ALGORITHMS: Mapping[str, tuple[str, str | None]] = {
    "RS256": ("RSA", None),
    "PS256": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
}
"""What a token may be signed with, and the kind and curve of its key. All are asymmetric: whoever
can check a signature cannot make one. The last two are one algorithm under its old and new name."""

LEEWAY_SECONDS = 60
"""How far two clocks may be apart."""
AGE_SECONDS_MAX = 600
"""How long ago a token may have been made: it comes straight from the provider."""
TOKEN_CHARACTERS_MAX = 32_768
"""A token with the groups of a large institution fits."""
SUBJECT_CHARACTERS_MAX = 255
RSA_BITS_MIN = 2048

_KINDS = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
_SEGMENTS = 3
_PRINTABLE = range(0x21, 0x7F)
_PUBLIC = ("kty", "n", "e", "crv", "x", "y")
"""The parts of a key that check a signature."""


class TokenWrong(Exception):
    """A token that says nothing. `reason` is a word for the record and quotes nothing of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class KeyUnknown(TokenWrong):
    """No key at hand can have signed the token: the provider may have new ones."""


@dataclass(frozen=True, slots=True)
class IdToken:
    """A token that was verified."""

    subject: str
    """Who it is about, by the provider's own id: unique there, and never given to another."""
    claims: Mapping[str, Any]
    """Everything it says."""


def verify(
    token: str,
    keys: Sequence[Mapping[str, Any]],
    *,
    issuer: str,
    client_id: str,
    nonce: str,
    now: datetime,
    access_token: str | None = None,
) -> IdToken:
    """Return what a token says, or raise.

    Args:
        token: As the provider's token endpoint gave it.
        keys: The provider's keys, as in its JWKS.
        issuer: The provider, to the letter.
        client_id: What this service is called there.
        nonce: What was sent along when this sign-in began.
        now: The time.
        access_token: What came with it; where the token has its hash, it must fit.

    Raises:
        KeyUnknown: None of the keys has the id the token names, or fits its algorithm.
        TokenWrong: Anything else about it is wrong.
    """
    header = _header(token)
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise TokenWrong("algorithm")
    if "crit" in header or "b64" in header:
        raise TokenWrong("critical_header")
    key = _choose_key(keys, algorithm=algorithm, key_id=header.get("kid"))
    claims = _claims(_payload(token, key))
    _check_parties(claims, issuer=issuer, client_id=client_id)
    _check_times(claims, seconds=now.timestamp())
    if not _same(claims.get("nonce"), nonce):
        raise TokenWrong("nonce")
    if access_token is not None and "at_hash" in claims:
        _check_access_token(claims["at_hash"], access_token, algorithm=algorithm)
    return IdToken(check_subject(claims.get("sub")), claims)


def check_subject(subject: Any) -> str:  # noqa: ANN401 (any JSON)
    """Return a provider's id of a person: up to 255 printable ASCII characters.

    Raises:
        TokenWrong: It is none.
    """
    if (
        not isinstance(subject, str)
        or not 0 < len(subject) <= SUBJECT_CHARACTERS_MAX
        or not all(ord(character) in _PRINTABLE for character in subject)
    ):
        raise TokenWrong("subject")
    return subject


class _Registry(jws.JWSRegistry):
    """joserfc with our algorithms alone, and without its warning that `EdDSA` is an old name."""

    max_header_length = 4096

    @override
    def get_alg(self, name: str) -> jws.JWSAlgModel:
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError(name)
        return self.algorithms[name]


_REGISTRY = _Registry(strict_check_header=False)  # what it does not know means nothing to us


def _header(token: str) -> Mapping[str, Any]:
    if len(token) > TOKEN_CHARACTERS_MAX:
        raise TokenWrong("too_long")
    if not token.isascii() or token.count(".") != _SEGMENTS - 1:
        raise TokenWrong("malformed")
    try:
        return jws.extract_compact(token.encode(), registry=_REGISTRY).headers()
    except (JoseError, ValueError, TypeError, AttributeError, RecursionError):
        raise TokenWrong("malformed") from None


def _choose_key(
    keys: Sequence[Mapping[str, Any]],
    *,
    algorithm: str,
    key_id: Any,  # noqa: ANN401 (any JSON)
) -> RSAKey | ECKey | OKPKey:
    """Return the one key that can have signed a token.

    A token without a key's id is for a provider with a single key that fits.
    """
    kind, curve = ALGORITHMS[algorithm]
    fitting = [
        key
        for key in keys
        if key.get("kty") == kind
        and (curve is None or key.get("crv") == curve)
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and (key_id is None or key.get("kid") == key_id)
    ]
    if len(fitting) != 1:
        raise KeyUnknown("key_unknown")
    public = {part: fitting[0][part] for part in _PUBLIC if part in fitting[0]}
    try:
        key = _KINDS[kind].import_key(public)
        bits = key.public_key.key_size if isinstance(key, RSAKey) else RSA_BITS_MIN
    except (JoseError, ValueError, TypeError, AttributeError):
        raise TokenWrong("key_broken") from None
    if bits < RSA_BITS_MIN:
        raise TokenWrong("key_weak")
    return key


def _payload(token: str, key: RSAKey | ECKey | OKPKey) -> bytes:
    try:
        return jws.deserialize_compact(token, key, registry=_REGISTRY).payload
    except (JoseError, ValueError, TypeError):
        raise TokenWrong("signature") from None


def _claims(payload: bytes) -> Mapping[str, Any]:
    try:
        claims = json.loads(payload)
    except (ValueError, RecursionError):
        raise TokenWrong("malformed") from None
    if not isinstance(claims, dict):
        raise TokenWrong("malformed")
    return claims


def _check_parties(claims: Mapping[str, Any], *, issuer: str, client_id: str) -> None:
    if claims.get("iss") != issuer:
        raise TokenWrong("issuer")
    said = claims.get("aud")
    audience = [said] if isinstance(said, str) else said
    if not isinstance(audience, list) or client_id not in audience:
        raise TokenWrong("audience")
    # A token for several is ours only where it says that it was made for us.
    party = claims.get("azp", client_id if len(audience) == 1 else None)
    if party != client_id:
        raise TokenWrong("authorized_party")


def _check_times(claims: Mapping[str, Any], *, seconds: float) -> None:
    if seconds >= _moment(claims.get("exp")) + LEEWAY_SECONDS:
        raise TokenWrong("expired")
    issued = _moment(claims.get("iat"))
    if not seconds - AGE_SECONDS_MAX - LEEWAY_SECONDS <= issued <= seconds + LEEWAY_SECONDS:
        raise TokenWrong("issued")
    if "nbf" in claims and _moment(claims["nbf"]) > seconds + LEEWAY_SECONDS:
        raise TokenWrong("not_yet")


def _moment(value: Any) -> float:  # noqa: ANN401 (any JSON)
    """Return a time in seconds since 1970. True is no number here, and neither is infinity."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenWrong("time")
    try:
        moment = float(value)
    except OverflowError:
        raise TokenWrong("time") from None
    if not math.isfinite(moment):
        raise TokenWrong("time")
    return moment


def _check_access_token(said: Any, access_token: str, *, algorithm: str) -> None:  # noqa: ANN401
    """Raise unless a token has the left half of the access token's hash."""
    hashed = hashlib.sha512 if ALGORITHMS[algorithm][0] == "OKP" else hashlib.sha256
    digest = hashed(access_token.encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    if not _same(said, half):
        raise TokenWrong("access_token")


def _same(said: Any, expected: str) -> bool:  # noqa: ANN401 (any JSON)
    """Compare with what was expected, in a time that tells nothing. Surrogates are no text."""
    return isinstance(said, str) and hmac.compare_digest(
        said.encode(errors="replace"), expected.encode()
    )
