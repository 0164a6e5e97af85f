"""What a file becomes: the same text, headings, tables and notes out of every kind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin.errors import (
    FileKindUnknown,
    FileLocked,
    FileTooLarge,
    FileUnreadable,
    HunminError,
    NoTextLayer,
)
from hunmin.reading import Limits
from hunmin.reading.blocks import markdown_table
from hunmin.reading.kinds import parse, tidy
from tests.support import office_files

LIMITS = Limits()

EXPECTED = """# 제1장 신청 안내

주민등록표 등본은 가까운 주민센터에서 신청할 수 있습니다.[^1]

표 1. 수수료

| 구분 | 수수료 |
| --- | --- |
| 방문 | 400원 |
| 온라인 | 무료 |

[^1]: 본인 확인이 필요합니다."""


@pytest.mark.parametrize("kind", ["docx", "hwpx", "hwp"])
def test_headings_tables_and_notes_are_the_same_from_every_kind(kind):
    reading = parse(getattr(office_files, kind)(), "", LIMITS)

    assert reading.kind == kind
    assert [page.number for page in reading.pages] == [1]
    assert reading.text == EXPECTED
    assert reading.problems == ()


def test_an_hwp_file_that_is_not_packed_is_read_too():
    assert parse(office_files.hwp(flags=0), "", LIMITS).text == EXPECTED


def test_the_pages_of_a_pdf_keep_their_numbers():
    reading = parse(office_files.pdf(["첫 쪽", "", "셋째 쪽"]), "", LIMITS)

    assert [(page.number, page.text) for page in reading.pages] == [
        (1, "첫 쪽"),
        (2, ""),
        (3, "셋째 쪽"),
    ]
    assert reading.problems == ("pages_without_text",)


def test_a_pdf_of_pictures_is_refused_by_name():
    with pytest.raises(NoTextLayer):
        parse(office_files.pdf(["", ""]), "", LIMITS)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp949"])
def test_korean_text_is_read_in_every_encoding_it_comes_in(encoding):
    reading = parse("가나다\r\n라마바\r\n".encode(encoding), "notice.txt", LIMITS)

    assert (reading.kind, reading.text) == ("text", "가나다\n라마바")


@pytest.mark.parametrize(("delimiter", "name"), [(",", "a.csv"), (";", "a.CSV"), ("\t", "a.tsv")])
def test_a_table_of_text_is_a_table(delimiter, name):
    rows = [["이름", "뜻"], ["가|나", '"다"']]
    content = "\n".join(delimiter.join(row) for row in rows).encode("cp949")

    reading = parse(content, name, LIMITS)

    assert reading.kind == "csv"
    assert reading.text == "| 이름 | 뜻 |\n| --- | --- |\n| 가\\|나 | 다 |"


def test_every_part_of_a_long_table_has_its_head():
    content = "\n".join(["번호,값", *(f"{number},{number}" for number in range(120))]).encode()

    pages = parse(content, "long.csv", LIMITS).pages

    assert len(pages) == 3
    assert all(page.text.startswith("| 번호 | 값 |\n| --- | --- |\n") for page in pages)


def test_the_kind_is_told_by_the_content_and_not_by_the_name():
    assert parse(office_files.pdf(), "letter.hwp", LIMITS).kind == "pdf"
    assert parse(office_files.hwp(), "letter.txt", LIMITS).kind == "hwp"
    assert parse("이름,값".encode(), "letter.pdf", LIMITS).kind == "text"


@pytest.mark.parametrize(
    "content",
    [
        office_files.zipped({"xl/workbook.xml": "<workbook/>"}),
        office_files.compound_file({"WordDocument": b"\xec\xa5" * 300}),
        b"HWP Document File V3.00 \x1a\1\2\3\4\5",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"\0" * 100,
    ],
    ids=["spreadsheet", "old Word", "HWP 3", "picture", "zeros"],
)
def test_what_is_none_of_the_kinds_is_refused(content):
    with pytest.raises(FileKindUnknown):
        parse(content, "a.txt", LIMITS)


@pytest.mark.parametrize("flags", [0b011, 0b101], ids=["password", "distribution"])
def test_an_hwp_file_that_is_locked_says_so(flags):
    with pytest.raises(FileLocked):
        parse(office_files.hwp(flags=flags), "", LIMITS)


def test_an_hwpx_file_with_a_password_says_so():
    parts = {
        "Contents/header.xml": "<head/>",
        "META-INF/manifest.xml": "<manifest><file-entry><encryption-data/></file-entry></manifest>",
    }
    with pytest.raises(FileLocked):
        parse(office_files.zipped(parts), "", LIMITS)


def test_a_pdf_with_a_password_says_so():
    locked = office_files.pdf().replace(
        b"trailer <<",
        b"trailer << /ID [<00><00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 "
        b"/O <" + b"11" * 32 + b"> /U <" + b"22" * 32 + b"> >>",
    )
    with pytest.raises(FileLocked):
        parse(locked, "", LIMITS)


def test_a_part_that_swells_is_not_unpacked():
    """A hundred times its packed size is more than any text grows."""
    body = "<w:p><w:r><w:t>" + "가" * 3_000_000 + "</w:t></w:r></w:p>"

    with pytest.raises(FileTooLarge) as refusal:
        parse(office_files.docx(body=body), "", LIMITS)

    assert refusal.value.measure == "unpacked_bytes"


@pytest.mark.parametrize("kind", ["docx", "hwpx", "hwp"])
def test_all_parts_together_are_bounded(kind):
    with pytest.raises(FileTooLarge) as refusal:
        parse(getattr(office_files, kind)(), "", Limits(unpacked_bytes_max=100))

    assert refusal.value.limit == 100


def test_pages_and_characters_are_bounded():
    with pytest.raises(FileTooLarge, match="2 pages"):
        parse(office_files.pdf(["가"] * 3), "", Limits(pages_max=2))
    with pytest.raises(FileTooLarge, match="10 characters"):
        parse(("가" * 11).encode(), "", Limits(characters_max=10))


def test_an_entity_stays_what_it_is_and_is_followed_nowhere(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("do not read")
    document = (
        f'<!DOCTYPE d [<!ENTITY e SYSTEM "file://{secret}">]>'
        '<w:document xmlns:w="w"><w:body><w:p><w:r><w:t>&e;</w:t></w:r></w:p></w:body></w:document>'
    )
    try:
        text = parse(office_files.zipped({"word/document.xml": document}), "", LIMITS).text
    except Exception as refusal:  # noqa: BLE001 (the child says of any of them: damaged)
        text = str(refusal)

    assert "do not read" not in text


def test_a_damaged_section_of_an_hwp_file_leaves_the_others():
    whole = office_files.hwp(flags=0)

    with pytest.raises(FileUnreadable):
        parse(office_files.hwp(flags=0, section=b"\xff" * 100), "", LIMITS)
    assert parse(whole, "", LIMITS).text == EXPECTED


def test_a_table_in_a_table_stays_in_its_cell():
    inner = "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>안</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    cell = f"<w:tc>{inner}</w:tc>"
    other = "<w:tc><w:p><w:r><w:t>밖</w:t></w:r></w:p></w:tc>"
    body = f"<w:tbl><w:tr>{cell}{other}</w:tr></w:tbl>"

    assert parse(office_files.docx(body=body), "", LIMITS).text == "| 안 | 밖 |\n| --- | --- |"


@given(st.lists(st.lists(st.text(), min_size=1, max_size=5), min_size=1, max_size=6))
def test_every_line_of_a_table_has_all_columns(rows):
    lines = markdown_table(rows).split("\n")
    columns = max(map(len, rows))

    assert len(lines) == len(rows) + 1
    for line in lines:
        assert line.replace("\\|", "").count("|") == columns + 1


@given(st.text())
def test_tidy_text_stays_as_it_is(text):
    assert tidy(tidy(text)) == tidy(text)


def test_every_refusal_says_what_to_do_in_both_languages():
    refusals: list[HunminError] = [
        FileKindUnknown(),
        FileLocked(),
        FileTooLarge(measure="bytes", limit=20_000_000),
        FileUnreadable(reason="damaged"),
        NoTextLayer(),
    ]
    assert "20 MB" in refusals[2].en
    assert all(error.en.endswith(".") and error.ko.endswith("십시오.") for error in refusals)
