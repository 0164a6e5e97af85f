"""Characters and white space: what every document goes through before it is judged. Pure.

Words are not touched, and the first columns of a line stay, so code keeps its indentation.
"""

import re
import unicodedata

_LINE_ENDS = "\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]"
_SPACES = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_INVISIBLE = (
    "\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064"
    "\u2066-\u206f\ufeff\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e007f\ud800-\udfff"
)
_ODD = re.compile(f"[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029{_SPACES}{_INVISIBLE}]")
_MEND = (
    (re.compile(_LINE_ENDS), "\n"),
    (re.compile(f"[{_SPACES}]"), " "),
    (re.compile(f"[{_INVISIBLE}]"), ""),
)
_INNER_SPACES = re.compile(r"(?<=\S) {3,}(?=\S)")
_FAR_INDENT = re.compile(r"^ {25,}", re.MULTILINE)
_EMPTY_LINES = re.compile(r"\n{3,}")

_EMPTY_PARENTHESES = re.compile(r" ?\([,;:·/\s]{0,40}\)")
_LEADING_COMMA = re.compile(r"\(\s{0,8}[,;:·]{1,8}\s{0,8}(?=[^\s,;:·)])")
_MAY_TRAIL = re.compile(r"[,;:·]\s{0,40}\)")
_TRAILING_COMMA = re.compile(r"(?<=[^\s,;:·(])\s{0,8}[,;:·][,;:·\s]{0,40}\)")


def tidy(text: str, *, strip_empty_parentheses: bool = False) -> str:
    """Return a text in NFC, without control and invisible characters, its white space plain.

    Args:
        text: Any text, lone surrogates included.
        strip_empty_parentheses: Remove what template stripping left, as `()` and `(化學, )`.
    """
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    if _ODD.search(text):
        for expression, plain in _MEND:
            text = expression.sub(plain, text)
        if not unicodedata.is_normalized("NFC", text):  # what stood between two jamo is gone
            text = unicodedata.normalize("NFC", text)
    if strip_empty_parentheses and "(" in text:
        text = _EMPTY_PARENTHESES.sub("", text)
        text = _LEADING_COMMA.sub("(", text)
        if _MAY_TRAIL.search(text):
            text = _TRAILING_COMMA.sub(")", text)
    # Looking for fixed characters is many times faster than an expression that finds nothing.
    if "   " in text:
        text = _INNER_SPACES.sub(" ", text)
        text = _FAR_INDENT.sub("", text)
    if " \n" in text or "\t\n" in text or text.endswith((" ", "\t")):
        text = "\n".join(line.rstrip(" \t") for line in text.split("\n"))
    if "\n\n\n" in text:
        text = _EMPTY_LINES.sub("\n\n", text)
    return text.strip("\n")
