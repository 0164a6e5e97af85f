"""The licenses a corpus may hold, what each asks, and which are refused. Pure.

A text may be trained on by default when its license lets everybody copy it, change it and use it
for any purpose: cleaning and masking already change a text, and a model made from it will be used
commercially by someone. So the no-derivatives and non-commercial types of the Korea Open
Government License (KOGL 2, 3 and 4) and of Creative Commons are known here and refused by default;
a builder who holds a separate permission adds them to `[licenses] allow`.

This is a list of conditions, not legal advice.
"""

import re
from dataclasses import dataclass
from typing import Literal

Condition = Literal["attribution", "share-alike", "non-commercial", "no-derivatives"]

_REFUSED: frozenset[Condition] = frozenset({"non-commercial", "no-derivatives"})

_BY: tuple[Condition, ...] = ("attribution",)
_BY_SA: tuple[Condition, ...] = ("attribution", "share-alike")


@dataclass(frozen=True, slots=True)
class License:
    """One license, with what it asks of whoever passes the text on."""

    id: str
    """SPDX id, or an id of this list where SPDX has none."""
    en: str
    ko: str
    url: str
    conditions: tuple[Condition, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether a corpus may hold such text without a separate permission."""
        return not _REFUSED.intersection(self.conditions)


def _creative_commons() -> list[License]:
    kinds: list[tuple[str, str, str, tuple[Condition, ...]]] = [
        ("BY", "Attribution", "저작자표시", _BY),
        ("BY-SA", "Attribution-ShareAlike", "저작자표시-동일조건변경허락", _BY_SA),
        ("BY-NC", "Attribution-NonCommercial", "저작자표시-비영리", (*_BY, "non-commercial")),
        ("BY-ND", "Attribution-NoDerivatives", "저작자표시-변경금지", (*_BY, "no-derivatives")),
        (
            "BY-NC-SA",
            "Attribution-NonCommercial-ShareAlike",
            "저작자표시-비영리-동일조건변경허락",
            (*_BY_SA, "non-commercial"),
        ),
        (
            "BY-NC-ND",
            "Attribution-NonCommercial-NoDerivatives",
            "저작자표시-비영리-변경금지",
            (*_BY, "non-commercial", "no-derivatives"),
        ),
    ]
    versions = ("1.0", "2.0", "2.0-KR", "2.5", "3.0", "3.0-IGO", "4.0")
    listed = []
    for kind, en, ko, conditions in kinds:
        for version in versions:
            path = version.lower().replace("-", "/")
            listed.append(
                License(
                    f"CC-{kind}-{version}",
                    f"Creative Commons {en} {version}",
                    f"크리에이티브 커먼즈 {ko} {version}",
                    f"https://creativecommons.org/licenses/{kind.lower()}/{path}/",
                    conditions,
                )
            )
    return listed


def _korea_open_government() -> list[License]:
    rows: list[tuple[int, str, str, tuple[Condition, ...]]] = [
        (0, "free use", "자유이용", ()),
        (1, "attribution", "출처표시", _BY),
        (2, "attribution, no commercial use", "출처표시+상업적 이용금지", (*_BY, "non-commercial")),
        (3, "attribution, no changes", "출처표시+변경금지", (*_BY, "no-derivatives")),
        (
            4,
            "attribution, no commercial use, no changes",
            "출처표시+상업적 이용금지+변경금지",
            (*_BY, "non-commercial", "no-derivatives"),
        ),
    ]
    return [
        License(
            f"KOGL-{number}",
            f"Korea Open Government License type {number} ({en})",
            f"공공누리 제{number}유형 ({ko})",
            "https://www.kogl.or.kr/info/license.do",
            conditions,
        )
        for number, en, ko, conditions in rows
    ]


_LICENSES = [
    *_korea_open_government(),
    *_creative_commons(),
    License(
        "CC0-1.0",
        "Creative Commons Zero 1.0",
        "크리에이티브 커먼즈 CC0 1.0 (권리 포기)",
        "https://creativecommons.org/publicdomain/zero/1.0/",
    ),
    License(
        "Public-Domain",
        "Public domain",
        "퍼블릭 도메인",
        "https://creativecommons.org/publicdomain/mark/1.0/",
    ),
    License(
        "Public-Domain-KR",
        "Public domain in Korea: the economic rights have expired",
        "대한민국에서 저작재산권 보호기간이 끝난 저작물",
        "https://www.law.go.kr/법령/저작권법/제39조",
    ),
    License(
        "KR-Copyright-Act-Art7",
        "Not protected: statutes, notices and decisions (Korean Copyright Act, article 7)",
        "보호받지 못하는 저작물: 법령, 고시, 판결 등 (저작권법 제7조)",
        "https://www.law.go.kr/법령/저작권법/제7조",
    ),
    License(
        "KR-donated-free-use",
        "Donated to the Korea Copyright Commission for free use",
        "한국저작권위원회에 기증된 자유이용 저작물",
        "https://gongu.copyright.or.kr/",
        _BY,
    ),
    License("MIT", "MIT License", "MIT 라이선스", "https://spdx.org/licenses/MIT", _BY),
    License(
        "Apache-2.0",
        "Apache License 2.0",
        "아파치 라이선스 2.0",
        "https://www.apache.org/licenses/LICENSE-2.0",
        _BY,
    ),
    License(
        "BSD-2-Clause",
        'BSD 2-Clause "Simplified" License',
        "BSD 2조항 라이선스",
        "https://spdx.org/licenses/BSD-2-Clause",
        _BY,
    ),
    License(
        "BSD-3-Clause",
        'BSD 3-Clause "New" License',
        "BSD 3조항 라이선스",
        "https://spdx.org/licenses/BSD-3-Clause",
        _BY,
    ),
    License(
        "PSF-2.0",
        "Python Software Foundation License 2.0",
        "파이썬 소프트웨어 재단 라이선스 2.0",
        "https://spdx.org/licenses/PSF-2.0",
        _BY,
    ),
    License(
        "MPL-2.0",
        "Mozilla Public License 2.0",
        "모질라 공용 라이선스 2.0",
        "https://www.mozilla.org/MPL/2.0/",
        _BY_SA,
    ),
    *(
        License(
            f"GFDL-{version}",
            f"GNU Free Documentation License {version}",
            f"GNU 자유 문서 라이선스 {version}",
            f"https://spdx.org/licenses/GFDL-{version}-only",
            _BY_SA,
        )
        for version in ("1.1", "1.2", "1.3")
    ),
    *(
        License(
            f"GPL-{version}",
            f"GNU General Public License {version}, for documentation",
            f"GNU 일반 공중 라이선스 {version} (문서)",
            f"https://spdx.org/licenses/GPL-{version}-only",
            _BY_SA,
        )
        for version in ("2.0", "3.0")
    ),
    License("Own", "The builder's own text", "만드는 이가 권리를 가진 글", ""),
]

LICENSES: dict[str, License] = {entry.id: entry for entry in _LICENSES}
"""Every license known here, by id."""

_ALIASES = {
    "public domain": "Public-Domain",
    "publicdomain": "Public-Domain",
    "pd": "Public-Domain",
    "cc0": "CC0-1.0",
    "cc-by": "CC-BY-4.0",
    "cc-by-sa": "CC-BY-SA-4.0",
    "apache 2.0": "Apache-2.0",
    "gpl-2": "GPL-2.0",
    "gpl-3": "GPL-3.0",
    "psf": "PSF-2.0",
    "bsd": "BSD-3-Clause",
    "mpl": "MPL-2.0",
    "kogl type 0": "KOGL-0",
    "kogl type 1": "KOGL-1",
    "kogl type 2": "KOGL-2",
    "kogl type 3": "KOGL-3",
    "kogl type 4": "KOGL-4",
    "공공누리 제0유형": "KOGL-0",
    "공공누리 제1유형": "KOGL-1",
    "공공누리 제2유형": "KOGL-2",
    "공공누리 제3유형": "KOGL-3",
    "공공누리 제4유형": "KOGL-4",
}
_BY_LOWER = {key.lower(): key for key in LICENSES}
_SUFFIX = re.compile(r"(?:\+|-or-later|-only)$", re.IGNORECASE)


def find_license(license_id: str) -> License | None:
    """Return the license of one id, also with `+`, `-or-later` or an everyday spelling."""
    name = license_id.strip().strip("()").strip().lower()
    for candidate in (name, _SUFFIX.sub("", name)):
        found = _BY_LOWER.get(candidate) or _ALIASES.get(candidate)
        if found:
            return LICENSES[found]
    return None


def is_allowed(expression: str, *, also: frozenset[str] = frozenset()) -> bool:
    """Whether text under a license expression may be in a corpus.

    Args:
        expression: One id, or ids joined by `OR` (one must be allowed) or `AND` (all must be).
        also: Ids allowed on top of the list, by separate permission.
    """
    return any(
        all(_one_is_allowed(part, also) for part in re.split(r"\s+AND\s+", choice))
        for choice in re.split(r"\s+OR\s+", expression.strip().removeprefix("(").removesuffix(")"))
    )


def _one_is_allowed(license_id: str, also: frozenset[str]) -> bool:
    found = find_license(license_id)
    if license_id.strip() in also or (found is not None and found.id in also):
        return True
    return found is not None and found.allowed


def why_refused(expression: str) -> tuple[str, str]:
    """Return in English and Korean why a license expression is not allowed, as a clause."""
    found = find_license(expression)
    if found is None:
        return "is not on the list of licenses known here", "알려진 라이선스 목록에 없습니다"
    asked = [name for name in found.conditions if name in _REFUSED]
    ko = {"non-commercial": "비영리", "no-derivatives": "변경금지"}
    return (
        f"is {' and '.join(asked)}: it does not let everyone change and use the text",
        f"{', '.join(ko[name] for name in asked)} 조건이 있어 누구나 바꾸어 쓸 수 없습니다",
    )
