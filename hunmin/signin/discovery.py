"""What an OpenID provider says of itself, as far as it can be believed. Pure.

Source: OpenID Connect Discovery 1.0.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hunmin.errors import ProviderAnswerWrong
from hunmin.signin import provider_rules


@dataclass(frozen=True, slots=True)
class Discovered:
    """What a provider says of itself."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    names_itself: bool
    """Whether it puts its issuer into every answer, so that one without is not its."""
    takes_basic: bool
    """Whether it takes the client's secret in a header, as it should."""


def read_discovery(said: Mapping[str, Any], *, issuer: str) -> Discovered:
    """Return what a provider's discovery document says.

    Raises:
        ProviderAnswerWrong: It is another's, or leads where nobody should be sent.
    """
    if said.get("issuer") != issuer:
        raise ProviderAnswerWrong(reason="issuer")
    for needed in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not provider_rules.is_safe(said.get(needed), issuer=issuer):
            raise ProviderAnswerWrong(reason="discovery")
    userinfo = said.get("userinfo_endpoint")
    has_userinfo = provider_rules.is_safe(userinfo, issuer=issuer)
    methods = said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return Discovered(
        authorization_endpoint=said["authorization_endpoint"],
        token_endpoint=said["token_endpoint"],
        jwks_uri=said["jwks_uri"],
        userinfo_endpoint=userinfo if has_userinfo else None,
        names_itself=said.get("authorization_response_iss_parameter_supported") is True,
        takes_basic="client_secret_basic" in words_in(methods),
    )


def words_in(said: Any) -> frozenset[str]:  # noqa: ANN401 (any JSON)
    """Return the words of a value that is a list of them, or one."""
    listed = [said] if isinstance(said, str) else said
    if not isinstance(listed, list):
        return frozenset()
    return frozenset(word for word in listed if isinstance(word, str))
