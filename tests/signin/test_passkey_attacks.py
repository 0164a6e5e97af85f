"""Whatever is no passkey shown by its owner, here and now: forged, replayed, borrowed, copied."""

import contextlib
import itertools

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from hunmin.errors import PasskeyUnusable
from hunmin.signin import passkey_actions, passkeys, rules
from hunmin.signin.passkeys import Site
from hunmin.signin.tables import ChallengeRow
from tests.signin.people import code_of, events, is_signed_in
from tests.support.authenticator import PRESENT, VERIFIED, Authenticator, b64
from tests.support.desk import sign_in
from tests.support.devices import (
    ADDRESS,
    COOKIE,
    add,
    asked,
    at_its_name,
    browser,
    passkeys_of,
    show,
)

SIGN_IN = "/sign-in/passkey"
FINISH = f"{SIGN_IN}/finish"


@pytest.fixture
def dana(client) -> TestClient:
    """Give a browser that is signed in, at an address that can have passkeys."""
    return sign_in(at_its_name(client))


FORGED = {
    "another site's": {"site": "evil.example"},
    "shown at another address": {"origin": "http://evil.example"},
    "at an address that begins like ours": {"origin": f"{ADDRESS}.evil.example"},
    "at another port": {"origin": "http://localhost:9999"},
    "over https instead": {"origin": "https://localhost:8700"},
    "in a frame of another site": {"framed": True},
    "of another challenge": {"challenge": b64(b"of another sign-in")},
    "without a challenge": {"challenge": ""},
    "without its person": {"flags": PRESENT},
    "with nobody there": {"flags": VERIFIED},
    "of the other ceremony": {"kind": "webauthn.other"},
}
BORROWED = {
    "signed by another key": {"key": ec.generate_private_key(ec.SECP256R1())},
    "held for another account": {"handle": b64(b"somebody else")},
    "held for nobody": {"handle": None},
    "held for what is no text": {"handle": b64(b"\xff\xfe")},
}


def test_a_forged_passkey_is_not_added(dana):
    for why, wrong in FORGED.items():
        answer = add(dana, Authenticator(), **wrong)
        assert (answer.status_code, code_of(answer)) == (403, "passkey_unusable"), why
    assert passkeys_of(dana) == []


def test_a_forged_passkey_signs_nobody_in_and_is_on_record(app, dana):
    device = Authenticator()
    add(dana, device)
    other = browser(app)
    every = {**FORGED, **BORROWED}
    for why, wrong in every.items():
        answer = show(other, device, **wrong)
        assert (answer.status_code, code_of(answer)) == (403, "passkey_unusable"), why
    assert not is_signed_in(other)
    assert events(app, "signin.passkey.fail") == ["signin.passkey.fail"] * len(every)
    assert show(other, device).status_code == 200


def test_what_was_shown_once_is_shown_in_vain(app, dana):
    """Replayed: the whole request, cookie and all, and the answer to another question."""
    device = Authenticator()
    add(dana, device)
    first = browser(app)
    options = asked(first, SIGN_IN)
    cookie = first.cookies[COOKIE]
    body = {"answer": device.show(options)}
    assert first.post(FINISH, json=body).status_code == 200

    thief = browser(app)
    thief.cookies.set(COOKIE, cookie)
    assert code_of(thief.post(FINISH, json=body)) == "challenge_unusable"
    thief.cookies.clear()
    assert code_of(thief.post(FINISH, json=body)) == "challenge_unusable"
    asked(thief, SIGN_IN)
    assert code_of(thief.post(FINISH, json=body)) == "passkey_unusable"
    assert not is_signed_in(thief)


def test_who_overheard_the_question_does_not_answer_it(app, dana):
    """The answer alone, without the cookie of the browser that was asked, opens nothing."""
    device = Authenticator()
    add(dana, device)
    overheard = device.show(asked(browser(app), SIGN_IN))
    assert code_of(browser(app).post(FINISH, json={"answer": overheard})) == "challenge_unusable"


def test_a_question_is_used_up_by_a_wrong_answer_too(app, dana):
    device = Authenticator()
    add(dana, device)
    other = browser(app)
    options = asked(other, SIGN_IN)
    cookie = other.cookies[COOKIE]
    wrong = {"answer": device.show(options, flags=PRESENT)}
    assert code_of(other.post(FINISH, json=wrong)) == "passkey_unusable"
    other.cookies.set(COOKIE, cookie)
    right = {"answer": device.show(options)}
    assert code_of(other.post(FINISH, json=right)) == "challenge_unusable"


def test_a_question_of_long_ago_is_not_answered(app, dana):
    device = Authenticator()
    add(dana, device)
    other = browser(app)
    options = asked(other, SIGN_IN)
    with app.state.database.session() as session:
        session.query(ChallengeRow).update({ChallengeRow.expires_at: ChallengeRow.created_at})
    answer = other.post(FINISH, json={"answer": device.show(options)})
    assert code_of(answer) == "challenge_unusable"


PURPOSES = (SIGN_IN, "/sign-in/prove/passkey", "/account/passkeys")


def test_a_question_is_answered_for_what_it_was_asked(dana):
    device, new = Authenticator(), Authenticator(credential_id=b"a new one")
    add(dana, device)
    for begun, ended in itertools.product(PURPOSES, repeat=2):
        options = {"user": {"id": device.handle}, **asked(dana, begun)}
        adds = ended == "/account/passkeys"
        body = {"answer": new.make(options) if adds else device.show(options), "name": "x"}
        answer = dana.post(f"{ended}/finish", json=body)
        if begun == ended:
            assert answer.status_code == 200, (begun, answer.text)
        else:
            assert code_of(answer) == "challenge_unusable", (begun, ended)


def test_a_question_is_answered_in_the_session_that_was_asked(app, dana):
    device, hers = Authenticator(), Authenticator(credential_id=b"eve's")
    add(dana, device)
    eve = sign_in(browser(app), "eve")
    add(eve, hers)
    for path, make in (("/account/passkeys", hers.make), ("/sign-in/prove/passkey", hers.show)):
        options = asked(dana, path)
        eve.cookies.set(COOKIE, dana.cookies[COOKIE], domain="localhost.local")
        body = {"answer": make(options), "name": "x"}
        answer = eve.post(f"{path}/finish", json=body)
        assert code_of(answer) == "challenge_unusable", path


def test_a_copied_passkey_is_noticed_and_opens_nothing_any_more(app, dana):
    device = Authenticator(uses=4)
    add(dana, device)
    assert show(browser(app), device).status_code == 200  # the fifth
    other = browser(app)

    answer = show(other, device, uses=5)

    assert (answer.status_code, code_of(answer)) == (403, "passkey_cloned")
    assert not is_signed_in(other)
    assert events(app, "signin.passkey.clone") == ["signin.passkey.clone"]
    # Nobody knows which of the two is the owner's: neither opens anything, whatever it counts.
    assert code_of(show(other, device, uses=99)) == "passkey_cloned"
    (one,) = passkeys_of(dana)
    assert one["cloned_at"]
    assert dana.post(f"/account/passkeys/{one['id']}/remove").status_code == 303


def test_a_device_that_does_not_count_is_no_copy(app, dana):
    device = Authenticator()
    add(dana, device, uses=0)
    for _ in range(2):
        assert show(browser(app), device, uses=0).status_code == 200


@given(before=st.integers(0, 2**32 - 1), shown=st.integers(0, 2**32 - 1))
def test_only_a_count_that_does_not_grow_is_of_a_copy(before, shown):
    assert rules.is_cloned(count_before=before, count_shown=shown) == (shown <= before != 0)


@pytest.mark.usefixtures("long_waits")
def test_a_network_that_only_fails_waits_and_accounts_do_not(app, dana, monkeypatch):
    monkeypatch.setattr(rules, "NETWORK_TRIES_FREE", 3)
    device = Authenticator()
    add(dana, device)
    for _ in range(2):
        show(browser(app), device, flags=PRESENT)
    assert show(browser(app), device).status_code == 200
    show(browser(app), device, flags=PRESENT)
    answer = show(browser(app), device)
    assert (answer.status_code, code_of(answer)) == (429, "too_many_attempts")


NO_ANSWERS = [
    {},
    {"id": "x"},
    {"id": 1, "rawId": 2, "type": "public-key", "response": {}},
    {"id": b64(b"credential-of-this-device"), "response": []},
    {"id": ["credential"], "response": {"clientDataJSON": None}},
    {
        "id": b64(b"credential-of-this-device"),
        "rawId": b64(b"credential-of-this-device"),
        "type": "public-key",
        "response": {"authenticatorData": "AA", "clientDataJSON": "AA", "signature": "AA"},
    },
]


def test_what_is_no_answer_is_refused_without_a_fault(app, dana):
    add(dana, Authenticator())
    other = browser(app)
    for answer in NO_ANSWERS:
        asked(other, SIGN_IN)
        said = other.post(FINISH, json={"answer": answer})
        assert (said.status_code, code_of(said)) == (403, "passkey_unusable"), answer
        asked(dana, "/account/passkeys")
        said = dana.post("/account/passkeys/finish", json={"answer": answer, "name": "x"})
        assert (said.status_code, code_of(said)) == (403, "passkey_unusable"), answer


SITE = passkeys.Site("localhost", ADDRESS)
ASKED = {"challenge": b64(b"challenge"), "user": {"id": b64(b"dana")}}


@given(data=st.data())
def test_a_made_passkey_with_any_byte_changed_is_refused_or_another(data):
    """Nobody vouches for what a device makes; what was changed on its way is not this device's."""
    device = Authenticator()
    answer = device.make(ASKED)
    part = data.draw(st.sampled_from(["attestationObject", "clientDataJSON"]))
    answer["response"][part] = b64(_spoiled(data, answer["response"][part]))
    with contextlib.suppress(PasskeyUnusable):  # and nothing else is raised
        made = passkeys.check_new(SITE, answer, challenge=b"challenge")
        assert len(made.credential_id) > 0


@given(data=st.data())
def test_a_shown_passkey_with_any_byte_changed_is_refused(data):
    device = Authenticator()
    made = passkeys.check_new(SITE, device.make(ASKED), challenge=b"challenge")
    shown = device.show(ASKED)
    part = data.draw(st.sampled_from(["authenticatorData", "clientDataJSON", "signature"]))
    shown["response"][part] = b64(_spoiled(data, shown["response"][part]))

    with pytest.raises(PasskeyUnusable):
        passkeys.check_known(
            SITE,
            shown,
            challenge=b"challenge",
            public_key=made.public_key,
            user_id="dana",
            names_user=True,
        )


def _spoiled(data, written: str) -> bytes:
    whole = bytearray(passkeys.base64url_to_bytes(written))
    place = data.draw(st.integers(0, 999)) % len(whole)  # signatures differ in length
    whole[place] ^= data.draw(st.integers(1, 255))
    return bytes(whole)


@pytest.mark.parametrize(
    ("address", "site"),
    [
        ("https://Chat.Example.KR", ("chat.example.kr", "https://chat.example.kr")),
        ("https://chat.example.kr:443/hunmin/", ("chat.example.kr", "https://chat.example.kr")),
        ("https://chat.example.kr:8443", ("chat.example.kr", "https://chat.example.kr:8443")),
        ("http://localhost:8700/", ("localhost", "http://localhost:8700")),
        ("http://127.0.0.1:8700/", None),
        ("http://[::1]:8700/", None),
        ("https://192.0.2.7", None),
        ("http://chat.example.kr", None),
        ("http://localhost.evil.example", None),
    ],
)
def test_browsers_have_passkeys_for_names_that_are_reached_safely(address, site):
    found = passkeys.site_at(address)
    assert (found and (found.id, found.origin)) == site


@pytest.mark.parametrize("named", ["\0", "\ud800", None, 7, ["a"]])
def test_what_cannot_be_the_name_of_a_passkey_is_nobodys(act_as, named):
    site = Site("localhost", "http://localhost")
    with act_as() as act:
        taken = passkey_actions.take_passkey(act, {"id": named}, site=site, challenge=b"")

    assert isinstance(taken.refusal, PasskeyUnusable)
