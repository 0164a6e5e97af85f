"""Masking: what is found, what stays, and what always holds whatever the text."""

import random
import re
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hunmin import privacy
from hunmin.privacy.kinds import (
    PLACEHOLDERS,
    corporate_check_digit_fits,
    luhn_fits,
    resident_check_digit_fits,
)


def resident_number(first: str, seventh: str = "1", rest: str = "23456") -> str:
    """Return a resident number whose check digit fits."""
    head = first + seventh + rest
    return next(head + d for d in "0123456789" if resident_check_digit_fits(head + d))


def card_number(head: str) -> str:
    return next(head + d for d in "0123456789" if luhn_fits(head + d))


RESIDENT = resident_number("900101")
FOREIGNER = resident_number("851231", "5")
CARD = card_number("945501234567890")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"주민번호는 {RESIDENT[:6]}-{RESIDENT[6:]}입니다.", "주민번호는 <주민등록번호>입니다."),
        (f"주민등록번호 {RESIDENT}", "주민등록번호 <주민등록번호>"),
        (f"외국인 등록증 {FOREIGNER[:6]}-{FOREIGNER[6:]}", "외국인 등록증 <외국인등록번호>"),
        ("신생아 201105-3123456", "신생아 <주민등록번호>"),
        ("제 번호는 010-1234-5678이에요", "제 번호는 <전화번호>이에요"),
        ("01012345678로 전화 주세요", "<전화번호>로 전화 주세요"),
        ("+82-10-1234-5678 / +82 (0)10-1234-5678", "<전화번호> / <전화번호>"),
        ("010–1234–5678", "<전화번호>"),
        (
            "문의: (02) 123-4567, 031-123-4567, 070-1234-5678",
            "문의: <전화번호>, <전화번호>, <전화번호>",
        ),
        ("메일은 gil.dong+a@mail.korea.kr로", "메일은 <이메일>로"),
        (f"카드 {CARD[:4]}-{CARD[4:8]}-{CARD[8:12]}-{CARD[12:]} 만료", "카드 <카드번호> 만료"),
        (f"카드번호 {CARD}", "카드번호 <카드번호>"),
        ("아멕스 3782 822463 10005", "아멕스 <카드번호>"),
    ],
)
def test_personal_data_is_masked_by_kind(text, masked):
    assert privacy.mask(text).text == masked


@pytest.mark.parametrize(
    "text",
    [
        "「개인정보 보호법」 제15조제1항제2호 및 제17조의2제3항",
        "법률 제19234호, 2023. 3. 14., 일부개정",
        "[시행 2025. 10. 2.] [대통령령 제35811호, 2025. 10. 1., 타법개정]",
        "2020-10-05 ~ 2021-12-31, 1990.01.01. 12:30:45",
        "2000헌마127, 2019헌바446, 2016다242884 판결",
        "운송장 900101-1234567",
        "바코드 8801234567893",
        "ISBN 978-89-349-7246-4",
        "법인등록번호 110111-0006249",
        "사업자등록번호 123-45-67890",
        "고객센터 1588-1234, 국번 없이 120",
        "우편번호 03171, 지번 123-4",
        "주문번호 20240101123456",
        "원주율은 3.14159265358979323846",
        "IP 192.168.100.200, 버전 10.0.19045.3803",
        "SHA 9f86d081884c7d659a2feaa0c55ad015",
        "1,234,567,890,123원",
        "user@example.com, git@github.com:hunmin/hunmin.git",
        "골뱅이(@)를 쓰고 @decorator를 붙인다 a @ b",
        "900230-1234567은 없는 날짜",
        "주민번호 900101-1******",
        "4111-1111-1111-1112는 검사 숫자가 틀리다",
    ],
)
def test_ordinary_numbers_and_signs_stay(text):
    assert privacy.mask(text) == privacy.Masked(text, ())


def test_a_hyphenated_number_counts_without_a_check_digit_unless_it_is_a_company():
    """Numbers issued since October 2020 end in random digits; company numbers have their own."""
    random_end = "950615-2345678"
    assert not resident_check_digit_fits(random_end.replace("-", ""))
    assert not corporate_check_digit_fits(random_end.replace("-", ""))
    assert privacy.mask(random_end).text == "<주민등록번호>"

    company = next(
        n
        for d in range(10)
        if corporate_check_digit_fits(n := f"110111123456{d}") and not resident_check_digit_fits(n)
    )
    assert privacy.find(f"{company[:6]}-{company[6:]}") == []
    assert privacy.find(f"주민등록번호 {company[:6]}-{company[6:]}") != []


def test_an_unhyphenated_number_needs_its_check_digit_or_its_name():
    wrong = RESIDENT[:12] + str((int(RESIDENT[12]) + 1) % 10)
    assert privacy.find(f"값 {wrong}") == []
    assert privacy.find(f"값 {RESIDENT}") != []
    assert privacy.find(f"주민등록번호: {wrong}") != []


def test_offsets_are_those_of_the_text_as_given():
    text = f"A {RESIDENT[:6]}-{RESIDENT[6:]}, 가@나, b@korea.kr 그리고 010-2345-6789."

    findings = privacy.mask(text).findings

    assert [(f.kind, text[f.start : f.end]) for f in findings] == [
        ("resident_number", f"{RESIDENT[:6]}-{RESIDENT[6:]}"),
        ("email", "b@korea.kr"),
        ("phone", "010-2345-6789"),
    ]


PIECES = st.sampled_from(
    [
        f"{RESIDENT[:6]}-{RESIDENT[6:]}", RESIDENT, f"{FOREIGNER[:6]}-{FOREIGNER[6:]}", CARD,
        f"{CARD[:4]}-{CARD[4:8]}-{CARD[8:12]}-{CARD[12:]}", "010-1234-5678", "01098765432",
        "02-345-6789", "+82", "a.b@korea.kr", "@", "-", ".", " ", "카드", "주민등록번호", "운송장",
        "900101", "1234567", "010", "5678", "가나다", "제15조", "<주민등록번호>", "\n", "3.", "/",
    ]
)  # fmt: skip
TEXTS = st.one_of(
    st.text(),
    st.text(alphabet="0123456789-. @+()가a"),
    st.lists(PIECES, max_size=12).map("".join),
    st.lists(PIECES, max_size=12).map(" ".join),
)


@given(TEXTS)
@example(f"{RESIDENT}-{RESIDENT}-{RESIDENT}")
@example("010-1234-5678-010-1234-5678")
@example("a@korea.kr@korea.kr@korea.kr")
def test_masking_twice_changes_nothing_more(text):
    once = privacy.mask(text).text

    assert privacy.mask(once) == privacy.Masked(once, ())


@given(TEXTS)
def test_findings_are_in_order_apart_and_say_exactly_what_was_replaced(text):
    masked = privacy.mask(text)

    ends = [0]
    rebuilt = ""
    for finding in masked.findings:
        assert ends[-1] <= finding.start < finding.end <= len(text)
        rebuilt += text[ends[-1] : finding.start] + PLACEHOLDERS[finding.kind]
        ends.append(finding.end)
    assert rebuilt + text[ends[-1] :] == masked.text
    assert list(masked.findings) == privacy.find(text)


@given(TEXTS)
def test_a_text_without_findings_comes_back_as_it_was(text):
    masked = privacy.mask(text)

    assert (masked.text == text) == (not masked.findings)


@given(
    st.text(alphabet=st.characters(exclude_characters="@", exclude_categories=["Nd", "No", "Cs"]))
)
def test_a_text_without_digits_and_at_signs_is_never_changed(text):
    assert privacy.mask(text).text == text


@given(
    st.integers(1, 999), st.integers(1, 30), st.integers(1, 30), st.integers(1, 99_999),
    st.dates().map(lambda day: f"{day.year}. {day.month}. {day.day}."),
)  # fmt: skip
def test_statute_references_are_never_personal_data(article, paragraph, item, act, day):
    text = (
        f"법률 제{act}호 ({day} 공포) 제{article}조의{item}제{paragraph}항제{item}호, "
        f"{day} 시행, 제{article}조제{paragraph}항"
    )
    assert privacy.find(text) == []


@given(st.dates(min_value=date(1920, 1, 1), max_value=date(2026, 1, 1)), st.integers(0, 99_999))
def test_every_hyphenated_number_with_a_fitting_check_digit_is_found(day, serial):
    seventh = "1" if day.year < 2000 else "3"
    number = resident_number(day.strftime("%y%m%d"), seventh, f"{serial:05}")
    text = f"성명 홍길동 {number[:6]}-{number[6:]} 서울"

    assert privacy.mask(text).text == "성명 홍길동 <주민등록번호> 서울"


@given(st.text(alphabet="가나다 \n.,", max_size=30), st.text(alphabet="가나다 \n.,", max_size=30))
def test_a_number_is_found_wherever_it_stands_in_korean_text(before, after):
    assert privacy.mask(f"{before} 010-1234-5678{after}").text == f"{before} <전화번호>{after}"


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text",
    ["a" * 300_000, "1" * 300_000, "1-" * 150_000, "@" * 100_000, "a@" * 100_000, "(0" * 100_000,
     "010-" * 50_000, "a." * 100_000 + "@", "9" * 15 + " ", "x@" + "a." * 100_000],
)  # fmt: skip
def test_hostile_repetition_takes_time_in_proportion_to_its_length(text):
    assert len(privacy.mask(text).text) <= len(text) * 4


def test_placeholders_can_never_be_found_again():
    assert all(not re.search(r"[0-9@]", placeholder) for placeholder in PLACEHOLDERS.values())
    sentence = " ".join(random.Random(0).choices(list(PLACEHOLDERS.values()), k=50))
    assert privacy.find(sentence) == []
