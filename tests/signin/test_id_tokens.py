"""What is believed of an ID token, and what forgers have tried."""

import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from hunmin.signin import id_tokens
from hunmin.signin.id_tokens import KeyUnknown, TokenWrong
from tests.signin import tokens
from tests.signin.tokens import CLIENT, EC, ED, ISSUER, KEYS, NONCE, RSA, STRANGERS_RSA, sign, spell

NOW = datetime(2026, 10, 9, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())


def verify(token, keys=KEYS, **changes):
    expected = {"issuer": ISSUER, "client_id": CLIENT, "nonce": NONCE, "now": NOW, **changes}
    return id_tokens.verify(token, keys, **expected)


def said(**changes):
    return tokens.claims(NOW, **changes)


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(RSA, "RS256"), (RSA, "PS256"), (EC, "ES256"), (ED, "Ed25519")],
)
def test_a_token_that_holds_says_who_somebody_is(key, algorithm):
    found = verify(sign(said(), key=key, algorithm=algorithm))

    assert found.subject == "person-7"
    assert found.claims["name"] == "다나"


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_an_algorithm_under_its_old_name_is_the_same():
    assert verify(sign(said(), key=ED, algorithm="EdDSA")).subject == "person-7"


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": [CLIENT]},
        {"aud": [CLIENT, "another"], "azp": CLIENT},
        {"azp": CLIENT},
        {"iat": SECONDS + 59, "nbf": SECONDS + 59},
        {"iat": SECONDS - 600, "exp": SECONDS - 59},
        {"exp": SECONDS + 0.5},
        {"sub": "x" * 255},
    ],
)
def test_what_the_specification_allows_is_allowed(changes):
    assert verify(sign(said(**changes))).claims


def test_a_provider_with_one_key_need_not_name_it():
    assert verify(sign(said(), kid=None), [KEYS[0]]).subject == "person-7"


def _hmac(header, payload, secret):
    unsigned = spell(header, payload).rpartition(".")[0]
    signature = hmac.new(secret, unsigned.encode(), hashlib.sha256).digest()
    return f"{unsigned}.{spell(b'', b'', signature).rpartition('.')[2]}"


def _short_key():
    with pytest.warns(SecurityWarning):
        return RSAKey.generate_key(1024, {"kid": "rsa"}).as_dict(private=False)


HOLDS = sign(said())
HEADER, PAYLOAD, SIGNATURE = HOLDS.split(".")
PEM = RSA.as_pem(private=False)
JWK_TEXT = json.dumps(KEYS[0]).encode()

FORGED = {
    # the signature
    "without one": (spell({"alg": "none"}, said()), "algorithm"),
    "without one, and a key named": (spell({"alg": "none", "kid": "rsa"}, said()), "algorithm"),
    "none in capitals": (spell({"alg": "NONE"}, said()), "algorithm"),
    "none, with the signature of another": (
        f"{spell({'alg': 'none'}, said()).rpartition('.')[0]}.{SIGNATURE}",
        "algorithm",
    ),
    "an empty one": (f"{HEADER}.{PAYLOAD}.", "signature"),
    "of other claims": (
        f"{HEADER}.{spell({}, said(sub='administrator')).split('.')[1]}.{SIGNATURE}",
        "signature",
    ),
    "of another header": (
        ".".join([spell({"alg": "RS256", "typ": "x"}, b"").split(".")[0], PAYLOAD, SIGNATURE]),
        "signature",
    ),
    "cut": (HOLDS[:-4], "signature"),
    "cut to half": (HOLDS[:-170], "signature"),
    "one letter changed": (
        f"{HOLDS[:-9]}{'A' if HOLDS[-9] != 'A' else 'B'}{HOLDS[-8:]}",
        "signature",
    ),
    "zeros": (f"{HEADER}.{PAYLOAD}.{'A' * 342}", "signature"),
    "padded": (f"{HOLDS}==", "signature"),
    "by a stranger's key of the same name": (sign(said(), key=STRANGERS_RSA), "signature"),
    "PS256 said, RS256 made": (
        f"{spell({'alg': 'PS256', 'kid': 'rsa'}, b'').split('.')[0]}.{PAYLOAD}.{SIGNATURE}",
        "signature",
    ),
    "an elliptic one of zeros": (
        spell({"alg": "ES256", "kid": "ec"}, said(), b"\0" * 64),
        "signature",
    ),
    "an elliptic one in DER": (
        spell({"alg": "ES256", "kid": "ec"}, said(), b"\x30\x06\x02\x01\x01\x02\x01\x01"),
        "signature",
    ),
    # the algorithm
    "HMAC with the public key": (
        _hmac({"alg": "HS256", "kid": "rsa"}, said(), PEM),
        "algorithm",
    ),
    "HMAC with the public key as published": (
        _hmac({"alg": "HS256", "kid": "rsa"}, said(), JWK_TEXT),
        "algorithm",
    ),
    "HMAC with the client's secret": (
        sign(said(), key=OctKey.import_key("the client's secret, known here"), algorithm="HS256"),
        "algorithm",
    ),
    "SHA-384, which is not ours": (sign(said(), algorithm="RS384"), "algorithm"),
    "another not ours": (sign(said(), algorithm="PS384"), "algorithm"),
    "an algorithm for another kind of key": (
        spell({"alg": "ES256", "kid": "rsa"}, said(), b"\1" * 64),
        "key_unknown",
    ),
    "no algorithm": (spell({"kid": "rsa"}, said()), "malformed"),
    "an algorithm that is a number": (spell({"alg": 256}, said()), "algorithm"),
    "an algorithm that is a list": (spell({"alg": ["RS256"]}, said()), "algorithm"),
    "an algorithm that is nothing": (spell({"alg": None}, said()), "algorithm"),
    # the key
    "an unknown key": (sign(said(), key=STRANGERS_RSA, kid="other"), "key_unknown"),
    "a key without a name, of several": (
        sign(said(), key=RSAKey.generate_key(2048, auto_kid=False), kid=None),
        "signature",
    ),
    "a key it brings along": (
        sign(said(), key=STRANGERS_RSA, jwk=STRANGERS_RSA.as_dict(private=False)),
        "signature",
    ),
    "a key it says where to fetch": (
        sign(said(), key=STRANGERS_RSA, jku="https://evil.example/jwks.json"),
        "signature",
    ),
    "a certificate it brings along": (
        sign(said(), key=STRANGERS_RSA, x5c=["MIIB"], x5u="https://evil.example/x.pem"),
        "signature",
    ),
    "a key's name with a way out": (
        sign(said(), key=STRANGERS_RSA, kid="../../rsa"),
        "key_unknown",
    ),
    "a key's name that is a list": (spell({"alg": "RS256", "kid": ["rsa"]}, said()), "key_unknown"),
    # what must be understood
    "a critical header": (sign(said(), crit=["typ"], typ="JWT"), "critical_header"),
    "a payload that is not encoded": (
        spell({"alg": "RS256", "kid": "rsa", "b64": False, "crit": ["b64"]}, said()),
        "critical_header",
    ),
    "no list of critical headers": (
        spell({"alg": "RS256", "kid": "rsa", "crit": "x"}, said()),
        "critical_header",
    ),
    # who it is from and for
    "another issuer": (sign(said(iss="https://evil.example")), "issuer"),
    "an issuer with a slash more": (sign(said(iss=f"{ISSUER}/")), "issuer"),
    "an issuer in capitals": (sign(said(iss=ISSUER.upper())), "issuer"),
    "an issuer that begins like ours": (sign(said(iss=f"{ISSUER}.evil.example")), "issuer"),
    "no issuer": (sign(said(iss=None)), "issuer"),
    "issuers in a list": (sign(said(iss=[ISSUER])), "issuer"),
    "another audience": (sign(said(aud="another")), "audience"),
    "others as audience": (sign(said(aud=["another", "third"])), "audience"),
    "an audience that begins like ours": (sign(said(aud=f"{CLIENT}-evil")), "audience"),
    "an audience that is a table": (sign(said(aud={CLIENT: True})), "audience"),
    "no audience": (sign(said(aud=None)), "audience"),
    "several and nobody in particular": (sign(said(aud=[CLIENT, "another"])), "authorized_party"),
    "ours, but made for another": (sign(said(azp="another")), "authorized_party"),
    "several, made for another": (
        sign(said(aud=[CLIENT, "another"], azp="another")),
        "authorized_party",
    ),
    # this sign-in
    "another nonce": (sign(said(nonce="m" * 43)), "nonce"),
    "no nonce": (sign(said(nonce=None)), "nonce"),
    "an empty nonce": (sign(said(nonce="")), "nonce"),
    "nonces in a list": (sign(said(nonce=[NONCE])), "nonce"),
    "a nonce that is no text": (sign(said(nonce="\ud800")), "nonce"),
    # the time
    "expired": (sign(said(exp=SECONDS - 60)), "expired"),
    "expired long ago": (sign(said(exp=1)), "expired"),
    "without an end": (sign(said(exp=None)), "time"),
    "an end in words": (sign(said(exp=str(SECONDS + 300))), "time"),
    "an end that is true": (sign(said(exp=True)), "time"),
    "an infinite end": (
        sign(json.dumps(said()).replace(str(SECONDS + 300), "1e999").encode()),
        "time",
    ),
    "an end that is no number": (
        sign(json.dumps(said()).replace(str(SECONDS + 300), "NaN").encode()),
        "time",
    ),
    "an end of three hundred digits": (sign(said(exp=10**400)), "time"),
    "made in the future": (sign(said(iat=SECONDS + 61)), "issued"),
    "made too long ago": (sign(said(iat=SECONDS - 661)), "issued"),
    "made at no time": (sign(said(iat=None)), "time"),
    "not to be used yet": (sign(said(nbf=SECONDS + 61)), "not_yet"),
    # who it is about
    "nobody": (sign(said(sub=None)), "subject"),
    "an empty name": (sign(said(sub="")), "subject"),
    "a number": (sign(said(sub=7)), "subject"),
    "a name without an end": (sign(said(sub="x" * 256)), "subject"),
    "a name with a zero byte": (sign(said(sub="person-7\0")), "subject"),
    "a name that looks like another": (sign(said(sub="рerson-7")), "subject"),
    "a name with a space": (sign(said(sub="person-7 ")), "subject"),
    # the shape
    "empty": ("", "malformed"),
    "words": ("not a token", "malformed"),
    "two parts": (f"{HEADER}.{PAYLOAD}", "malformed"),
    "four parts": (f"{HOLDS}.{SIGNATURE}", "malformed"),
    "encrypted, five parts": (f"{HOLDS}.x.y", "malformed"),
    "a header that is no JSON": (spell(b"{", said()), "malformed"),
    "a header that is a list": (spell(["RS256"], said()), "malformed"),
    "a header that never ends": (spell({"alg": "RS256", "x": "x" * 9000}, said()), "malformed"),
    "a header of brackets": (spell(b"[" * 3000, said()), "malformed"),
    "claims that are no JSON": (sign(b"{"), "malformed"),
    "claims that are a list": (sign(b"[]"), "malformed"),
    "claims of brackets": (sign(b"[" * 20_000), "malformed"),
    "letters of another script": (f"{HOLDS}가", "malformed"),
    "longer than any": (f"{HOLDS}{'A' * 40_000}", "too_long"),
}  # fmt: skip


@pytest.mark.parametrize("forgery", FORGED)
def test_a_forged_token_is_refused_for_what_is_wrong_with_it(forgery):
    token, reason = FORGED[forgery]

    with pytest.raises(TokenWrong) as refusal:
        verify(token)

    assert refusal.value.reason == reason


def test_a_token_that_names_no_known_key_may_be_tried_with_newer_ones():
    with pytest.raises(KeyUnknown):
        verify(sign(said(), kid="next-year"))


@pytest.mark.parametrize(
    "key",
    [
        {**KEYS[0], "use": "enc"},
        {**KEYS[0], "alg": "PS256"},
        {**KEYS[0], "kty": "EC"},
        {"kid": "rsa"},
        {"kty": "oct", "kid": "rsa", "k": "AAAA"},
    ],
)
def test_a_key_for_something_else_signs_nothing(key):
    with pytest.raises(KeyUnknown):
        verify(HOLDS, [key])


@pytest.mark.filterwarnings("ignore:Key size should be")
@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ({"kty": "RSA", "kid": "rsa"}, "key_broken"),
        ({**KEYS[0], "n": "AA"}, "key_broken"),
        ({**KEYS[0], "n": 7}, "key_broken"),
        (_short_key(), "key_weak"),
    ],
)
def test_a_broken_or_short_key_signs_nothing(key, reason):
    with pytest.raises(TokenWrong) as refusal:
        verify(HOLDS, [key])

    assert refusal.value.reason == reason


def test_two_keys_of_one_name_sign_nothing():
    with pytest.raises(KeyUnknown):
        verify(HOLDS, [KEYS[0], STRANGERS_RSA.as_dict(private=False)])


@pytest.mark.parametrize(
    "key", [ECKey.generate_key("P-384", {"kid": "ec"}), OKPKey.generate_key("Ed448", {"kid": "ed"})]
)
def test_a_key_on_another_curve_signs_nothing(key):
    algorithm = "ES256" if key.kid == "ec" else "Ed25519"
    with pytest.raises(KeyUnknown):
        verify(spell({"alg": algorithm, "kid": key.kid}, said()), [key.as_dict(private=False)])


def test_an_access_token_of_another_is_noticed():
    half = spell(b"", hashlib.sha256(b"mine").digest()[:16]).split(".")[1]
    token = sign(said(at_hash=half))

    assert verify(token, access_token="mine").subject == "person-7"
    with pytest.raises(TokenWrong) as refusal:
        verify(token, access_token="another's")
    assert refusal.value.reason == "access_token"


@given(place=st.integers(0, len(HOLDS) - 1), letter=st.sampled_from("AZaz09-_.=+/ \n"))
def test_no_letter_of_a_token_can_be_changed(place, letter):
    changed = HOLDS[:place] + letter + HOLDS[place + 1 :]

    if changed != HOLDS:
        with pytest.raises(TokenWrong):
            verify(changed)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
)


@given(
    said=ANY_JSON,
    claim=st.sampled_from(["iss", "aud", "azp", "nonce", "sub", "exp", "iat", "nbf"]),
)
def test_whatever_a_claim_holds_the_answer_is_a_reason(said, claim):
    changed = {**tokens.claims(NOW), claim: said}

    try:
        found = verify(sign(changed, key=ED, algorithm="Ed25519"))
    except TokenWrong:
        return
    assert found.claims[claim] == said
