"""Speaking to an OpenID provider: one that is as it should be, and many that are not."""

import asyncio
import base64
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import RSAKey

from hunmin.errors import ProviderAnswerWrong, ProviderUnreachable, ProviderWrong
from hunmin.settings import ProviderSettings
from hunmin.signin import provider as speaking
from hunmin.signin import provider_calls, provider_rules
from hunmin.signin.provider import Provider
from tests.signin import tokens
from tests.signin.scripted_provider import CODE, ScriptedProvider

BACK = "http://127.0.0.1:8700/sign-in/back/gov"
VERIFIER = "v" * 43


class Clock:
    """Seconds that a test lets pass."""

    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
async def there():
    """Give a provider on loopback."""
    async with ScriptedProvider() as provider:
        yield provider


def speak_to(there, **changes) -> Provider:
    return Provider("gov", there.settings(**changes), clock=Clock())


async def redeem(provider, code=CODE):
    return await provider.redeem(
        code, verifier=VERIFIER, nonce=tokens.NONCE, back=BACK, now=datetime.now(UTC)
    )


async def test_a_browser_is_sent_with_the_hash_of_a_secret_and_never_the_secret(there):
    provider = speak_to(there, scopes=("profile", "groups"))
    address = await provider.authorization_address(
        state="s", nonce="n", verifier=VERIFIER, back=BACK
    )

    parts = urlsplit(address)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{there.issuer}/auth"
    assert parse_qs(parts.query) == {
        "response_type": ["code"],
        "client_id": [tokens.CLIENT],
        "redirect_uri": [BACK],
        "scope": ["openid profile groups"],
        "state": ["s"],
        "nonce": ["n"],
        "code_challenge": [speaking.challenge_of(VERIFIER)],
        "code_challenge_method": ["S256"],
    }


def test_the_hash_is_that_of_the_standard():
    """RFC 7636, appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

    assert speaking.challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


async def test_a_code_is_exchanged_for_who_somebody_is(there):
    there.claims = {"name": "다나", "groups": ["staff", 7, "press"], "amr": ["pwd", "mfa"]}
    found = await redeem(speak_to(there))

    assert (found.issuer, found.subject, found.name) == (there.issuer, "person-7", "다나")
    assert found.groups == {"staff", "press"}
    assert not found.strong  # nobody said that this provider's word counts
    assert there.forms[0] == {
        "grant_type": "authorization_code",
        "code": CODE,
        "redirect_uri": BACK,
        "code_verifier": VERIFIER,
    }
    shown = base64.b64decode(there.authorizations[0].removeprefix("Basic ")).decode()
    assert shown == "hunmin:s%3Ae%2Fc%20ret"
    assert there.asked["me"] == 0


async def test_a_second_factor_counts_where_it_is_said_and_believed(there):
    there.claims = {"amr": ["mfa"]}

    assert (await redeem(speak_to(there, second_factor=True))).strong
    there.claims = {"amr": "pwd"}
    assert not (await redeem(speak_to(there, second_factor=True))).strong


@pytest.mark.parametrize(
    ("secret", "methods", "shown"),
    [
        ("s", ["client_secret_post"], {"client_id": "hunmin", "client_secret": "s"}),
        ("", None, {"client_id": "hunmin"}),
    ],
)
async def test_the_secret_is_shown_as_the_provider_takes_it(there, secret, methods, shown):
    there.discovery = {"token_endpoint_auth_methods_supported": methods}
    await redeem(speak_to(there, client_secret=secret))

    assert there.authorizations == [""]
    assert there.forms[0].items() >= shown.items()
    assert secret or "client_secret" not in there.forms[0]


async def test_name_and_groups_may_stand_where_the_provider_tells_of_people(there):
    there.claims = {"name": None}
    there.person = {"sub": "person-7", "name": "다나", "groups": "staff", "iss": "evil"}
    found = await redeem(speak_to(there, groups={"staff": f"{'0' * 26}:member"}))

    assert (found.name, found.groups) == ("다나", {"staff"})
    assert found.issuer == there.issuer


@pytest.mark.parametrize("person", [{"sub": "person-8"}, {}, {"sub": ["person-7"]}])
async def test_what_is_told_of_another_person_is_not_believed(there, person):
    there.claims, there.person = {"name": None}, {"name": "관리자", **person}

    with pytest.raises(ProviderAnswerWrong):
        await redeem(speak_to(there))


async def test_a_refused_code_signs_nobody_in(there):
    with pytest.raises(ProviderAnswerWrong) as refusal:
        await redeem(speak_to(there), code="stolen")

    assert refusal.value.reason == "http_400"


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ({"id_token": None}, "no_id_token"),
        ({"id_token": {}}, "no_id_token"),
        ({"id_token": "x"}, "malformed"),
        ("[]", "not_json"),
        ("<html>", "not_json"),
        ("[" * 100_000, "not_json"),
    ],
)
async def test_an_answer_that_is_none_signs_nobody_in(there, token, reason):
    there.token = token
    with pytest.raises(ProviderAnswerWrong) as refusal:
        await redeem(speak_to(there))

    assert refusal.value.reason == reason


async def test_a_token_for_another_sign_in_is_refused_through_the_whole_way(there):
    there.claims = {"nonce": "m" * 43}
    with pytest.raises(ProviderAnswerWrong) as refusal:
        await redeem(speak_to(there))

    assert refusal.value.reason == "nonce"


async def test_new_keys_are_fetched_when_one_is_named_that_is_not_known(there):
    provider = speak_to(there)
    await redeem(provider)
    newer = RSAKey.generate_key(2048, {"kid": "next-year"})
    there.keys, there.signing = [newer.as_dict(private=False)], {"key": newer}
    provider._clock.seconds += 61

    assert (await redeem(provider)).subject == "person-7"
    assert there.asked["keys"] == 2


async def test_a_flood_of_unknown_keys_fetches_them_once_a_minute(there):
    provider = speak_to(there)
    await redeem(provider)
    there.signing = {"kid": "never-seen"}
    provider._clock.seconds += 61

    for _ in range(8):
        with pytest.raises(ProviderAnswerWrong):
            await redeem(provider)
    await asyncio.gather(*(redeem(provider) for _ in range(8)), return_exceptions=True)

    assert there.asked["keys"] == 2
    assert there.asked["discovery"] == 1


async def test_a_provider_that_is_out_of_order_is_left_alone_for_a_moment(there):
    provider = speak_to(there)
    there.discovery_status = 503
    for _ in range(5):
        with pytest.raises(ProviderUnreachable):
            await redeem(provider)
    assert there.asked["discovery"] == 1

    there.discovery_status = 200
    provider._clock.seconds += 6
    assert (await redeem(provider)).subject == "person-7"


async def test_what_a_provider_makes_of_one_visitor_keeps_no_other_out(there):
    provider = speak_to(there)
    there.status = 503
    with pytest.raises(ProviderUnreachable):
        await redeem(provider)

    there.status = 200
    assert (await redeem(provider)).subject == "person-7"


async def test_nobody_there_is_said_so():
    settings = ProviderSettings(issuer="http://127.0.0.1:9", client_id="hunmin")

    with pytest.raises(ProviderUnreachable):
        await redeem(Provider("gov", settings))


async def test_a_provider_that_never_ends_its_answer_is_stopped(there, monkeypatch):
    monkeypatch.setattr(provider_calls, "REPLY_BYTES_MAX", 1000)
    there.token = {"padding": "x" * 2000}

    with pytest.raises(ProviderUnreachable):
        await redeem(speak_to(there))


@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": None},
        {"token_endpoint": "http://login.example.go.kr/token"},
        {"token_endpoint": "file:///etc/passwd"},
        {"jwks_uri": 7},
        {"jwks_uri": "//evil.example"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "https://u:p@evil.example/auth"},
        {"authorization_endpoint": "https://a.example/\r\nSet-Cookie: x=y"},
    ],
)
async def test_a_discovery_document_that_leads_astray_is_not_followed(there, discovery):
    there.discovery = discovery
    with pytest.raises(ProviderAnswerWrong):
        await redeem(speak_to(there))

    assert set(there.asked) == {"discovery"}


async def test_a_redirect_is_not_followed(there):
    there.status = 302
    with pytest.raises(ProviderAnswerWrong) as refusal:
        await redeem(speak_to(there))

    assert refusal.value.reason == "http_302"


@pytest.mark.parametrize(
    ("names_itself", "said", "holds"),
    [
        (True, "own", True),
        (True, None, False),
        (True, "https://evil.example", False),
        (None, None, True),
        (None, "https://evil.example", False),
    ],
)
async def test_an_answer_of_another_provider_is_not_taken(there, names_itself, said, holds):
    there.discovery = {"authorization_response_iss_parameter_supported": names_itself}
    provider, named = speak_to(there), there.issuer if said == "own" else said

    if holds:
        await provider.check_issuer(named)
    else:
        with pytest.raises(ProviderAnswerWrong):
            await provider.check_issuer(named)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("Gov", {}),
        ("../gov", {}),
        ("gov", {"client_id": ""}),
        ("gov", {"issuer": "http://login.example.go.kr"}),
        ("gov", {"issuer": "ftp://127.0.0.1"}),
        ("gov", {"issuer": "https://login.example.go.kr/?tenant=1"}),
        ("gov", {"issuer": "login.example.go.kr"}),
        ("gov", {"issuer": "https://127.0.0.1:x"}),
        ("gov", {"groups": {"staff": "member"}}),
        ("gov", {"groups": {"staff": f"{'0' * 26}:administrator"}}),
    ],
)
def test_settings_that_make_no_sense_are_refused_before_anybody_comes(name, changes):
    known = {"issuer": "https://login.example.go.kr", "client_id": "hunmin"}
    with pytest.raises(ProviderWrong):
        Provider(name, ProviderSettings(**{**known, **changes}))


def test_a_provider_elsewhere_cannot_have_this_machine_ask_itself():
    issuer = "https://login.example.go.kr"
    for address in (
        "http://127.0.0.1/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "http://localhost/",
    ):
        assert not provider_rules.is_safe(address, issuer=issuer)
    assert provider_rules.is_safe("https://oauth2.example.go.kr/token", issuer=issuer)
