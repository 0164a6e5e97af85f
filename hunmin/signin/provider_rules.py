"""Decisions about OpenID providers: where they may be, what they get, what groups mean. Pure."""

import hmac
import re
import unicodedata
from collections.abc import Collection, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from hunmin import organizations
from hunmin.errors import ProviderWrong
from hunmin.signin import rules

NAME_CHARACTERS = 48
"""Of what somebody is called there; something to tell it from others may follow."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_PLACE = re.compile(r"(?P<organization>[0-9a-z]{26}):(?P<role>[a-z]+)")


def check_provider(name: str, *, issuer: str, client_id: str, groups: Mapping[str, str]) -> None:
    """Raise `ProviderWrong` where the settings of a provider make no sense."""
    if not _NAME.fullmatch(name):
        raise ProviderWrong(
            name=name,
            en="its name is not of small letters, digits, _ and -",
            ko="이름은 영어 소문자, 숫자, _, -로만 지을 수 있습니다",
        )
    if not client_id:
        raise ProviderWrong(name=name, en="client_id is empty", ko="client_id가 비어 있습니다")
    parts = urlsplit(issuer)
    if not is_safe(issuer, issuer=issuer) or parts.query or parts.fragment:
        raise ProviderWrong(
            name=name,
            en="issuer is not an https address, nor one of this machine",
            ko="issuer가 https 주소도, 이 컴퓨터의 주소도 아닙니다",
        )
    for place in groups.values():
        found = _PLACE.fullmatch(place)
        if found is None or found["role"] not in organizations.ROLES:
            raise ProviderWrong(
                name=name,
                en='a group does not lead to "ID:ROLE", the id of an organization and a role there',
                ko='groups의 값이 "ID:ROLE"(기관의 ID와 그 안의 역할) 꼴이 아닙니다',
            )


def is_safe(address: Any, *, issuer: str) -> bool:  # noqa: ANN401 (any JSON)
    """Return whether an address may be asked: https, or loopback where the provider is there too.

    So no provider on the network can have this machine ask itself something.
    """
    if not isinstance(address, str) or not address.isascii() or not address.isprintable():
        return False
    try:
        there, home = urlsplit(address), urlsplit(issuer)
        host, _ = there.hostname, there.port  # a port that is none raises
    except ValueError:
        return False
    if not host or " " in address or there.username is not None or there.fragment:
        return False
    if _is_loopback(host):
        return there.scheme in {"http", "https"} and _is_loopback(home.hostname or "")
    return there.scheme == "https"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_state_of(secret: str, state: str) -> bool:
    """Return whether a provider sent the state back that this browser was sent there with."""
    expected = rules.derived(secret, "state").encode()
    return hmac.compare_digest(state.encode(errors="replace"), expected)


def places_of(
    groups: Collection[str], *, mapping: Mapping[str, str]
) -> dict[str, organizations.Role]:
    """Return the role that somebody's groups give in each organization: the highest of them."""
    places: dict[str, organizations.Role] = {}
    for group, place in mapping.items():
        found = _PLACE.fullmatch(place)
        assert found is not None, "the settings were checked"
        organization_id = found["organization"]
        role = next(one for one in organizations.ROLES if one == found["role"])
        if group in groups:
            had = places.get(organization_id, role)
            places[organization_id] = min(had, role, key=organizations.ROLES.index)
    return places


def names_for(said: str, *, unique: str) -> list[str]:
    """Return names for a new account, the best first and the last one that nobody has.

    Args:
        said: What somebody is called at the provider; whatever somebody typed there.
        unique: A name that nobody has.
    """
    composed = unicodedata.normalize("NFC", said)
    letters = "".join(one if one.isalnum() or one in ".@-_" else " " for one in composed)
    name = " ".join(letters.split())[:NAME_CHARACTERS].strip(" .@-_")
    return [name, f"{name} {unique[-4:]}", unique] if name else [unique]
