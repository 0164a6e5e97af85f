"""Korean as it is typed where the keyboard was not switched to Hangul. Pure."""

import unicodedata

_LEADS = "r R s e E f a q Q t T d w W c z x v g".split()  # noqa: SIM905 (one row of letters)
_VOWELS = "k o i O j p u P h hk ho hl y n nj np nl b m ml l".split()  # noqa: SIM905 (one row)
_TAILS = (  # one row of letters
    "r R rt s sw sg e f fr fa fq ft fx fv fg a q qt t T d w c z x v g".split()  # noqa: SIM905
)
_KEYS = {
    chr(first + number): keys
    for first, row in ((0x1100, _LEADS), (0x1161, _VOWELS), (0x11A8, _TAILS))
    for number, keys in enumerate(row)
}
"""Which keys make a letter, by where it stands in a syllable."""


def typed_on_latin_keys(hangul: str) -> str:
    """Return what a word leaves behind where the keyboard was not switched to Hangul.

    Source:
        KS X 5002, the two-set keyboard layout.
    """
    return "".join(_KEYS.get(one, one) for one in unicodedata.normalize("NFD", hangul))
