"""Korean particles: which form stands after a word that is filled in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin.errors import PortInUse
from hunmin.josa import with_particles


@pytest.mark.parametrize(
    "expected",
    [
        "훈민정음을",
        "학교를",
        "API를",
        "URL을",
        "PDF를",
        "model을",
        "config.toml을",
        "3을",
        "2를",
        "10을",
        "1,000을",
        "3.50을",
        "0을",
        "100000000을",
        "1000000000000를",
        "24%를",
        "‘제목’을",
        '"자료"를',
        "'max_tokens'를",
        "훈민(Hunmin)을",
        "서울 (Seoul)을",
        "나무(나무껍질)를",
        "Ｓ를",
    ],
)
def test_the_object_particle_goes_by_the_last_sound(expected):
    assert with_particles(expected[:-1] + "을(를)") == expected
    assert with_particles(expected[:-1] + "를(을)") == expected


@pytest.mark.parametrize(
    "expected",
    ["서울로", "부산으로", "제주로", "1로", "3으로", "7로", "6 GB로", "model로", "N으로", "폴더로"],
)
def test_the_particle_of_direction_takes_no_vowel_after_rieul(expected):
    bare = expected.removesuffix("으로").removesuffix("로")
    assert with_particles(bare + "(으)로") == expected


@pytest.mark.parametrize(
    ("written", "after_final", "after_vowel"),
    [
        ("은(는)", "은", "는"),
        ("이(가)", "이", "가"),
        ("과(와)", "과", "와"),
        ("와(과)", "과", "와"),
        ("(이)라고", "이라고", "라고"),
        ("(이)며", "이며", "며"),
    ],
)
def test_every_pair_has_its_two_forms(written, after_final, after_vowel):
    assert with_particles(f"책{written} 배{written}") == f"책{after_final} 배{after_vowel}"


@pytest.mark.parametrize("unknown", ["漢字", "😀", "", " ", "()", "Я"])
def test_where_nobody_knows_the_sound_both_forms_stay(unknown):
    assert with_particles(f"{unknown}을(를) 씁니다") == f"{unknown}을(를) 씁니다"


@given(st.text(max_size=40), st.sampled_from(["을(를)", "은(는)", "이(가)", "(으)로"]))
def test_nothing_but_the_particle_ever_changes(word, particle):
    settled = with_particles(word + particle + "!")
    if not any(pair in word for pair in ("(", ")")):
        assert settled.startswith(word)
        assert settled[len(word) :] in {
            particle + "!", "을!", "를!", "은!", "는!", "이!", "가!", "으로!", "로!",
        }  # fmt: skip


@given(st.integers(0, 10_000 - 1))
def test_a_number_takes_the_particle_of_its_reading(number):
    assert with_particles(f"{number}을(를)") == with_particles(f"{read(number)}을(를)").replace(
        read(number), str(number)
    )


def read(number):
    """Return a number below ten thousand as it is read in Korean."""
    digits = "영일이삼사오육칠팔구"
    if number == 0:
        return digits[0]
    places = zip(str(number).zfill(4), ("천", "백", "십", ""), strict=True)
    return "".join(digits[int(digit)] + place for digit, place in places if digit != "0")


def test_errors_speak_with_the_particle_that_fits():
    assert "127.0.0.1:8700을 쓰고" in PortInUse(host="127.0.0.1", port=8700).message("ko")
