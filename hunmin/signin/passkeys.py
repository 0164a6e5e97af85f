"""WebAuthn: what a browser is asked for a passkey, and whether what it answers is true. Pure.

The name of the service and its address are part of what is signed: a passkey made here answers to
no other site, so nobody can be talked out of it. What a device says about its maker is not asked
for (attestation "none"): people may bring what they have.

Source:
    W3C, "Web Authentication: Level 3".
"""

import ipaddress
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, parse_client_data_json
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from hunmin.errors import PasskeyUnusable
from hunmin.signin import rules

Json = dict[str, Any]
"""What goes to `navigator.credentials` and comes from it, as WebAuthn's JSON."""

ASKED_MILLISECONDS = rules.CHALLENGE_SECONDS * 1_000
"""How long a browser waits for the person; a shorter wait would leave slow people out."""

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Site:
    """Whose passkeys these are: the name and the address browsers know this service by."""

    id: str
    origin: str


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A passkey that was just made."""

    credential_id: str
    public_key: bytes
    sign_count: int
    backed_up: bool
    """Whether it is kept on more devices than one."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What came of a passkey that was shown."""

    sign_count: int
    backed_up: bool


def site_at(address: str) -> Site | None:
    """Return the site at an address as browsers see it; None where they make no passkeys.

    They do for names, over https or of this very machine, and not for addresses in numbers.
    """
    parts = urlsplit(address)
    host = parts.hostname or ""
    is_own = host == "localhost" or host.endswith(".localhost")
    if _is_number(host) or (parts.scheme != "https" and not is_own):
        return None
    shown_port = "" if parts.port in {None, _PORTS.get(parts.scheme)} else f":{parts.port}"
    return Site(id=host, origin=f"{parts.scheme}://{host}{shown_port}")


def ask_for_new(
    site: Site, *, challenge: bytes, user_id: str, name: str, known: Sequence[str]
) -> Json:
    """Return what a browser is asked to make a passkey.

    Args:
        site: Whose.
        challenge: What it has to sign.
        user_id: Of the account.
        name: Of the account, as the browser will show it.
        known: The ids of passkeys the account has: no device makes a second one.
    """
    asked = generate_registration_options(
        rp_id=site.id,
        rp_name="Hunmin",
        user_id=user_id.encode(),
        user_name=name,
        challenge=challenge,
        timeout=ASKED_MILLISECONDS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=_described(known),
    )
    return dict(json.loads(options_to_json(asked)))


def ask_for_known(site: Site, *, challenge: bytes, known: Sequence[str] = ()) -> Json:
    """Return what a browser is asked to show a passkey: one of those known, or any of this site."""
    asked = generate_authentication_options(
        rp_id=site.id,
        challenge=challenge,
        timeout=ASKED_MILLISECONDS,
        allow_credentials=_described(known),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return dict(json.loads(options_to_json(asked)))


def check_new(site: Site, answer: Json, *, challenge: bytes) -> NewPasskey:
    """Return the passkey a browser made.

    Raises:
        PasskeyUnusable: It was made for another site, another challenge, without asking the
            person, or what came is no such answer.
    """
    try:
        _check_own_page(answer)
        made = verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=site.id,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except Exception as error:
        raise PasskeyUnusable from error
    return NewPasskey(
        credential_id=bytes_to_base64url(made.credential_id),
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
        backed_up=made.credential_backed_up,
    )


def id_in(answer: Json) -> str:
    """Return the id of the passkey that an answer names; empty where that can be none's."""
    named = answer.get("id")
    return named if isinstance(named, str) and named.isascii() and named.isprintable() else ""


def check_known(
    site: Site,
    answer: Json,
    *,
    challenge: bytes,
    public_key: bytes,
    user_id: str,
    names_user: bool,
) -> Shown:
    """Return what came of a passkey that was shown. Its count of uses is for the caller.

    Args:
        site: Whose it has to be.
        answer: What the browser answered.
        challenge: What had to be signed.
        public_key: What the signature is checked with.
        user_id: The account the passkey was added to.
        names_user: Whether its device has to say that it holds it for that account; it may
            leave it out where the browser was asked for this very passkey.

    Raises:
        PasskeyUnusable: Another key signed, for another site or challenge, or the person was not
            asked, or what came is no such answer.
    """
    try:
        _check_own_page(answer)
        shown = verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=site.id,
            expected_origin=site.origin,
            credential_public_key=public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
        _check_user(answer["response"].get("userHandle"), user_id, names_user=names_user)
    except Exception as error:
        raise PasskeyUnusable from error
    return Shown(sign_count=shown.new_sign_count, backed_up=shown.credential_backed_up)


def _check_own_page(answer: Json) -> None:
    """Raise where the browser says that our page lay in one of another site.

    Source:
        W3C, "Web Authentication: Level 3", 7.1 step 10 and 7.2 step 14; the library leaves it out.
    """
    said = parse_client_data_json(base64url_to_bytes(answer["response"]["clientDataJSON"]))
    if said.cross_origin:
        raise PasskeyUnusable


def _check_user(handle: str | None, user_id: str, *, names_user: bool) -> None:
    """Raise where a device holds a passkey for another account, or does not say for which."""
    left_out = handle is None and not names_user
    if not left_out and base64url_to_bytes(handle or "") != user_id.encode():
        raise PasskeyUnusable


def _described(known: Sequence[str]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(one)) for one in known]


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
