"""Small real files of every kind that is read: PDF, HWP, HWPX and DOCX, made without an office."""

import io
import struct
import zipfile
import zlib
from dataclasses import dataclass, field

from tests.support.compound_files import compound_file


@dataclass
class Content:
    """What stands in a file: a heading, a paragraph with a footnote, a table."""

    heading: str = "제1장 신청 안내"
    paragraph: str = "주민등록표 등본은 가까운 주민센터에서 신청할 수 있습니다."
    caption: str = "표 1. 수수료"
    note: str = "본인 확인이 필요합니다."
    rows: list[list[str]] = field(
        default_factory=lambda: [["구분", "수수료"], ["방문", "400원"], ["온라인", "무료"]]
    )


def zipped(parts: dict[str, str | bytes]) -> bytes:
    """Return a packed file."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return stream.getvalue()


_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def docx(content: Content | None = None, *, body: str | None = None) -> bytes:
    """Return a DOCX file; `body` replaces its content."""
    content = content or Content()
    rows = "".join(
        "<w:tr>" + "".join(f"<w:tc>{_word(cell)}</w:tc>" for cell in row) + "</w:tr>"
        for row in content.rows
    )
    body = body or (
        '<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr>'
        f"<w:r><w:t>{content.heading}</w:t></w:r></w:p>"
        f"<w:p><w:r><w:t>{content.paragraph}</w:t></w:r>"
        '<w:r><w:footnoteReference w:id="2"/></w:r></w:p>'
        f"{_word(content.caption)}<w:tbl>{rows}</w:tbl>"
    )
    return zipped(
        {
            "[Content_Types].xml": "<Types/>",
            "word/document.xml": f"<w:document {_W}><w:body>{body}</w:body></w:document>",
            "word/styles.xml": (
                f'<w:styles {_W}><w:style w:styleId="Heading1"><w:pPr>'
                '<w:outlineLvl w:val="0"/></w:pPr></w:style></w:styles>'
            ),
            "word/footnotes.xml": (
                f'<w:footnotes {_W}><w:footnote w:id="2">{_word(content.note)}'
                "</w:footnote></w:footnotes>"
            ),
        }
    )


def _word(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


_HP = 'xmlns:hp="http://www.hancom.co.kr/hwpml/2011/paragraph"'
_HS = f'xmlns:hs="http://www.hancom.co.kr/hwpml/2011/section" {_HP}'
_HH = 'xmlns:hh="http://www.hancom.co.kr/hwpml/2011/head"'


def hwpx(content: Content | None = None, *, sections: list[str] | None = None) -> bytes:
    """Return an HWPX file; `sections` replace its content."""
    content = content or Content()
    rows = "".join(
        "<hp:tr>" + "".join(_hwpx_cell(r, c, cell) for c, cell in enumerate(row)) + "</hp:tr>"
        for r, row in enumerate(content.rows)
    )
    note = f"<hp:footNote><hp:subList>{_hwpx_p(content.note)}</hp:subList></hp:footNote>"
    caption = f"<hp:caption><hp:subList>{_hwpx_p(content.caption)}</hp:subList></hp:caption>"
    sections = sections or [
        _hwpx_p(content.heading, shape=1)
        + f'<hp:p paraPrIDRef="0"><hp:run><hp:t>{content.paragraph}</hp:t>'
        f"<hp:ctrl>{note}</hp:ctrl></hp:run></hp:p>"
        + f'<hp:p paraPrIDRef="0"><hp:run><hp:tbl>{caption}{rows}</hp:tbl></hp:run></hp:p>'
    ]
    parts: dict[str, str | bytes] = {
        "mimetype": "application/hwp+zip",
        "META-INF/manifest.xml": "<manifest/>",
        "Contents/header.xml": (
            f'<hh:head {_HH}><hh:paraPr id="0"><hh:heading type="NONE" level="0"/></hh:paraPr>'
            '<hh:paraPr id="1"><hh:heading type="OUTLINE" level="0"/></hh:paraPr></hh:head>'
        ),
    }
    for number, section in enumerate(sections):
        parts[f"Contents/section{number}.xml"] = f"<hs:sec {_HS}>{section}</hs:sec>"
    return zipped(parts)


def _hwpx_p(text: str, *, shape: int = 0) -> str:
    return f'<hp:p paraPrIDRef="{shape}"><hp:run><hp:t>{text}</hp:t></hp:run></hp:p>'


def _hwpx_cell(row: int, column: int, text: str) -> str:
    return (
        f"<hp:tc><hp:subList>{_hwpx_p(text)}</hp:subList>"
        f'<hp:cellAddr colAddr="{column}" rowAddr="{row}"/></hp:tc>'
    )


_OUTLINE = 1 << 23


def hwp(content: Content | None = None, *, flags: int = 1, section: bytes | None = None) -> bytes:
    """Return an HWP 5 file. Flag 1 is packed, 2 has a password, 4 is for distribution."""
    content = content or Content()
    shapes = _record(25, 0, struct.pack("<I", 0)) + _record(25, 0, struct.pack("<I", _OUTLINE))
    if section is None:
        note = _record(71, 1, _control("fn  ")) + _list(2, b"", content.note)
        section = (
            _paragraph(0, content.heading, shape=1)
            + _paragraph(0, content.paragraph + _extended(17, "fn  "))
            + note
            + _paragraph(0, _extended(11, "tbl "))
            + _record(71, 1, _control("tbl "))
            + _list(2, b"", content.caption)
            + _table(2, content.rows)
            + b"".join(
                _list(2, struct.pack("<HHHH", c, r, 1, 1), cell)
                for r, row in enumerate(content.rows)
                for c, cell in enumerate(row)
            )
        )
    header = b"HWP Document File".ljust(32, b"\0") + struct.pack("<II", 0x05010000, flags)
    streams = {"DocInfo": shapes, "BodyText/Section0": section}
    if flags & 1:
        streams = {name: _deflated(stream) for name, stream in streams.items()}
    return compound_file({"FileHeader": header.ljust(256, b"\0"), **streams})


def _deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


def _record(tag: int, level: int, payload: bytes) -> bytes:
    size = min(len(payload), 0xFFF)
    long = struct.pack("<I", len(payload)) if size == 0xFFF else b""
    return struct.pack("<I", tag | level << 10 | size << 20) + long + payload


def _paragraph(level: int, text: str, *, shape: int = 0) -> bytes:
    header = struct.pack("<IIHBB", len(text), 0, shape, 0, 0)
    return _record(66, level, header) + _record(67, level + 1, f"{text}\r".encode("utf-16-le"))


def _list(level: int, cell: bytes, text: str) -> bytes:
    return _record(72, level, struct.pack("<HHI", 1, 0, 0) + cell) + _paragraph(level, text)


def _table(level: int, rows: list[list[str]]) -> bytes:
    widths = [len(row) for row in rows]
    sizes = struct.pack(f"<IHH5H{len(rows)}H", 0, len(rows), widths[0], *[0] * 5, *widths)
    return _record(77, level, sizes)


def _control(kind: str) -> bytes:
    return kind.encode()[::-1] + b"\0" * 4


def _extended(code: int, kind: str) -> str:
    """Return a control character with the seven places that belong to it."""
    return chr(code) + _control(kind).decode("utf-16-le") + "\0" * 2 + chr(code)


def pdf(pages: list[str] | None = None, *, extra: str = "") -> bytes:
    """Return a PDF file with a line of text on each page; an empty one is a picture."""
    pages = ["주민등록법 안내", "Second page"] if pages is None else pages
    letters = sorted({ord(char) for page in pages for char in page})
    mapping = "".join(f"<{code:04X}> <{code:04X}>\n" for code in letters)
    unicode_map = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
        "1 begincodespacerange <0000> <FFFF> endcodespacerange\n"
        f"{len(letters)} beginbfchar\n{mapping}endbfchar endcmap end end"
    )
    kids = " ".join(f"{6 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {extra} >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        (
            "<< /Type /Font /Subtype /Type0 /BaseFont /Batang /Encoding /Identity-H "
            "/DescendantFonts [4 0 R] /ToUnicode 5 0 R >>"
        ),
        (
            "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Batang /DW 1000 "
            "/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> >>"
        ),
        _stream(unicode_map),
    ]
    for number, page in enumerate(pages):
        hexed = page.encode("utf-16-be").hex()
        drawn = f"BT /F1 12 Tf 72 720 Td <{hexed}> Tj ET" if page else "0 0 10 10 re f"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {7 + 2 * number} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects.append(_stream(drawn))
    written, places = b"%PDF-1.7\n", []
    for number, text in enumerate(objects, start=1):
        places.append(len(written))
        written += f"{number} 0 obj\n{text}\nendobj\n".encode()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    return (
        written
        + (
            f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n{table}"
            f"trailer << /Size {len(places) + 1} /Root 1 0 R >>\nstartxref\n{len(written)}\n%%EOF\n"
        ).encode()
    )


def _stream(content: str) -> str:
    return f"<< /Length {len(content)} >>\nstream\n{content}\nendstream"
