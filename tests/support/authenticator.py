"""A device with passkeys, in software: it signs whatever a test tells it to, also what is wrong."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import encode_cbor

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Authenticator:
    """One device with one passkey."""

    site: str = "localhost"
    origin: str = "http://localhost:8700"
    flags: int = PRESENT | VERIFIED
    uses: int = 0
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    credential_id: bytes = b"credential-of-this-device"
    handle: str = ""
    """Whose passkey it is, as it was told when it made it."""

    def make(self, options: dict[str, Any], **wrong: Any) -> dict[str, Any]:
        """Answer what a browser was asked to make."""
        self.handle = options["user"]["id"]
        numbers = self.key.public_key().public_numbers()
        public = {
            1: 2,
            3: -7,
            -1: 1,
            -2: numbers.x.to_bytes(32, "big"),
            -3: numbers.y.to_bytes(32, "big"),
        }
        attested = (
            bytes(16)
            + len(self.credential_id).to_bytes(2, "big")
            + self.credential_id
            + encode_cbor(public)
        )
        data = self._data(attested, **wrong)
        about = self._about("webauthn.create", options, **wrong)
        whole = {"fmt": "none", "attStmt": {}, "authData": data}
        return self._answer(attestationObject=b64(encode_cbor(whole)), clientDataJSON=b64(about))

    def show(self, options: dict[str, Any], **wrong: Any) -> dict[str, Any]:
        """Answer what a browser was asked to show."""
        self.uses += 1
        data = self._data(b"", **wrong)
        about = self._about("webauthn.get", options, **wrong)
        key = wrong.get("key", self.key)
        signed = key.sign(data + hashlib.sha256(about).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "authenticatorData": b64(data),
            "clientDataJSON": b64(about),
            "signature": b64(signed),
            "userHandle": wrong.get("handle", self.handle),
        }
        return self._answer(**response)

    def _answer(self, **response: str | None) -> dict[str, Any]:
        name = b64(self.credential_id)
        return {"id": name, "rawId": name, "type": "public-key", "response": response}

    def _data(self, attested: bytes, **wrong: Any) -> bytes:
        flags = wrong.get("flags", self.flags) | (ATTESTED if attested else 0)
        site = wrong.get("site", self.site)
        uses = wrong.get("uses", self.uses)
        return (
            hashlib.sha256(site.encode()).digest()
            + bytes([flags])
            + uses.to_bytes(4, "big")
            + attested
        )

    def _about(self, ceremony: str, options: dict[str, Any], **wrong: Any) -> bytes:
        return json.dumps(
            {
                "type": wrong.get("kind", ceremony),
                "challenge": wrong.get("challenge", options["challenge"]),
                "origin": wrong.get("origin", self.origin),
                "crossOrigin": wrong.get("framed", False),
            }
        ).encode()
