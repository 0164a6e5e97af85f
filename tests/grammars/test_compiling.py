"""Whatever a client writes is a grammar that allows just that, at a steady cost, or is refused."""

import json
import re
import time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hunmin import grammars
from hunmin.errors import GrammarUnsupported
from hunmin.grammars.characters import literal
from tests.grammars.test_schemas import Scribe, rules_of, split

LETTERS = st.sampled_from([*"ab0 _-", "가", "힣", "\n", '"', "\\", "]", "😀", "ㅎ"])
SEEDS = st.integers(0, 2**32)


def accepts(grammar: str, text: str) -> bool:
    """Walk through a grammar of which each choice ends in a rule, or in nothing."""
    rules = {name: split(words) for name, words in rules_of(grammar).items()}
    at = {("root", 0)}
    for name, place in (todo := list(at)):
        for words in rules[name]:
            *row, then = words if words[-1][0].isalpha() else [*words, ""]
            pattern = "".join(re.escape(json.loads(one)) if one[0] == '"' else one for one in row)
            found = re.compile(pattern).match(text, place)
            if found and not then and found.end() == len(text):
                return True
            if found and then and (there := (then, found.end())) not in at:
                at.add(there)
                todo.append(there)
    return False


CLASSES = st.sampled_from(
    [r"\d", r"\w", r"\s", r"\D", r"\W", r"\S", ".", "[a-c]", "[^a]", "[가-힣]", r"[^\d가-나]",
     r"[\]\\-]", r"[^\x00-\x1f각-나]",
     r"[\x41-\x43\u0061]", "[a^]", "[-a]", r"[\w-]", r"\.", r"\n", "\\\\", "}", "]"]
)  # fmt: skip
PATTERNS = st.recursive(
    st.one_of(LETTERS.map(re.escape), CLASSES),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.lists(inner | st.just(""), min_size=2, max_size=3).map(
            lambda some: f"(?:{'|'.join(some)})"
        ),
        st.builds(
            lambda one, sign: f"({one}){sign}",
            inner,
            st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{2,}", "*?", "+?", "??", "{0,2}?"]),
        ),
    ),
    max_leaves=8,
)


def compiled(pattern: str) -> str:
    try:
        return grammars.of_regex(pattern)
    except GrammarUnsupported as refusal:
        assume(refusal.fault != "too_large")
        raise


@settings(max_examples=60)
@given(pattern=PATTERNS, seed=SEEDS)
def test_whatever_comes_of_a_regular_expression_matches_it(pattern, seed):
    text = Scribe(compiled(pattern), seed).write()

    assert re.fullmatch(pattern, text, re.ASCII)


@settings(max_examples=60)
@given(data=st.data(), pattern=PATTERNS)
def test_whatever_matches_a_regular_expression_may_come(data, pattern):
    text = data.draw(st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True))
    assume("\0" not in text and len(text) < 100)

    assert accepts(compiled(pattern), text)


@pytest.mark.parametrize(
    ("pattern", "right", "wrong"),
    [
        (r"^010-\d{4}-\d{4}$", ["010-1234-5678"], ["010-123-5678", "010-1234-56789", ""]),
        (r"(?:서울|서울특별시)( [가-힣]+구)?", ["서울", "서울특별시 강남구"], ["서울시", "서울 "]),
        (r"(?P<year>\d{4})년", ["1446년"], ["144년"]),
        ("", [""], ["a"]),
        ("a|", ["a", ""], ["b"]),
        ("(a+)+$", ["a", "aaaa"], ["", "b"]),
        ("[ab]*a[ab]{3}", ["aaaa", "babbb"], ["bbbb", "aaa"]),
        ("a{128}", ["a" * 128], ["a" * 127]),
        ("(.*가){40}x", ["가" * 41 + "x"], ["가" * 39 + "x"]),
    ],
)
def test_regular_expressions_that_people_write(pattern, right, wrong):
    grammar = grammars.of_regex(pattern)

    assert all(accepts(grammar, text) for text in right)
    assert not any(accepts(grammar, text) for text in wrong)


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ("(?=a)b", "unsupported"), ("(?!a)b", "unsupported"), ("(?<=a)b", "unsupported"),
        ("(?i)a", "unsupported"), (r"(a)\1", "unsupported"), (r"\bword\b", "unsupported"),
        (r"\p{Hangul}", "unsupported"), ("a*+", "unsupported"), ("a^b", "unsupported"),
        ("a$b", "unsupported"), ("(a$)", "unsupported"), ("a{,3}", "unsupported"),
        ("a{2}{3}", "unsupported"), ("{2}", "unsupported"), ("(?>a)", "unsupported"),
        ("*a", "unreadable"), ("(a", "unreadable"), ("a)", "unreadable"), ("[a", "unreadable"),
        ("[b-a]", "unreadable"), ("[]", "unreadable"), ("[^]", "unreadable"), ("\\", "unreadable"),
        (r"\x4", "unreadable"), (r"\ud800", "unreadable"), ("\ud800", "unreadable"),
        ("\0", "unreadable"), (r"\x00", "unreadable"), ("a{3,2}", "unreadable"),
        (r"[\d-z]", "unreadable"), ("a|*", "unreadable"),
        ("[ab]*a[ab]{30}", "too_large"), ("a{1,999999}", "too_large"),
        ("((a{60}){60}){60}", "too_large"), ("(" * 40 + "a" + ")" * 40, "too_large"),
        ("a" * 10_001, "too_large"), ("(a?b?c?d?e?f?g?){200}", "too_large"),
        ("(" + "|".join(f"[{chr(0xAC00 + n)}-힣]" for n in range(500)) + "){9}", "too_large"),
    ],
)  # fmt: skip
def test_what_is_not_supported_is_refused_soon_and_with_its_place(pattern, fault):
    began = time.process_time()
    with pytest.raises(GrammarUnsupported) as refusal:
        grammars.of_regex(pattern)

    assert refusal.value.fault == fault
    assert (refusal.value.place is not None) or fault == "too_large"
    assert time.process_time() - began < 2


def told(kind: str, some: list[tuple[str, str]]) -> tuple[str, str]:
    """Return a row or a choice, as a grammar and as a regular expression have it."""
    sign = {"row": " ", "choice": " | "}[kind]
    ours, theirs = zip(*some, strict=True)
    return f"({sign.join(ours)})", f"(?:{sign.strip().join(theirs)})"


LEAVES = st.one_of(
    st.text(LETTERS, max_size=3).map(lambda text: (literal(text), re.escape(text))),
    st.sampled_from(
        [("[a-c]", "[a-c]"), ("[^가-나\\n]", "[^가-나\\n]"), ("[\\u0041\\]]", "[A\\]]")]
    ),
)  # fmt: skip
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(
            told, st.sampled_from(["row", "choice"]), st.lists(inner, min_size=1, max_size=3)
        ),
        st.builds(
            lambda one, sign: (f"({one[0]}){sign}", f"(?:{one[1]}){sign}"),
            inner,
            st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{2,}"]),
        ),
    ),
    max_leaves=5,
)


@settings(max_examples=60)
@given(first=EXPRESSIONS, second=EXPRESSIONS, seed=SEEDS)
def test_whatever_comes_of_a_grammar_is_what_it_allows(first, second, seed):
    written = f"""# two rules
        root ::= the-first "," second | second  # one way
          | "."
        the-first::={first[0]}
        second ::=
          {second[0]}
    """
    try:
        grammar = grammars.of_ebnf(written)
    except GrammarUnsupported as refusal:
        assume(refusal.fault != "too_large")
        raise

    text = Scribe(grammar, seed).write()

    assert re.fullmatch(f"{first[1]},{second[1]}|{second[1]}|\\.", text, re.ASCII)


SUMS = """
root   ::= sum
sum    ::= term (("+" | "-") term)*
term   ::= factor (("*" | "/") factor)*
factor ::= [0-9]+ | "(" sum ")"
"""


def ring(rule: str, *, last: str = "") -> str:
    """Return a grammar of 150 rules that speak of one another."""
    rules = [
        rule.format(next=(n + 1) % 150, far=(n * 7 + 1) % 150, half=n // 2, letter=chr(0xAC00 + n))
        for n in range(150)
    ]
    lines = [f"r{n} ::= {one}" for n, one in enumerate([*rules[:-1], last or rules[-1]])]
    return "\n".join(["root ::= r0", *lines])


NESTED = 'root ::= "[" (root ("," root)*)? "]" | "{" root "}"'


@given(SEEDS)
def test_a_rule_may_come_back_to_itself(seed):
    text = Scribe(grammars.of_ebnf(SUMS), seed).write()
    assert re.fullmatch(r"[0-9+*/()-]+", text)
    compile(re.sub(r"\b0+(?=\d)", "", text), "sum", "eval")

    brackets = Scribe(grammars.of_ebnf(NESTED), seed).write()
    while (shorter := re.sub(r"\[\]|\{\.\}|\.,\.", ".", brackets.replace("[.]", "."))) != brackets:
        brackets = shorter
    assert brackets == "."


@pytest.mark.parametrize(
    ("grammar", "fault"),
    [
        ("", "no_root"), ('a ::= "a"', "no_root"), ("root ::= a", "rule_unknown"),
        ('root ::= "a"\nroot ::= "b"', "rule_twice"), ('root ::= root "a"', "rule_endless"),
        ('root ::= "a" b\nb ::= "b" c\nc ::= b', "rule_endless"),
        ('root ::= root "a" | "b"', "rule_undecided"),
        ('root ::= a\na ::= b "x" | "y"\nb ::= a | "z"', "rule_undecided"),
        ('root ::= x "!"\nx ::= [가-힣] (x x)?', "rule_undecided"),
        ('root ::= "(" root ")" | a\na ::= root? "."', "rule_undecided"),
        ('root ::= x*\nx ::= "a" x | ""', "rule_undecided"),
        ('start: "a"', "unreadable"), ('root ::= "a', "unreadable"), ("root ::= [a", "unreadable"),
        ('root ::= ("a"', "unreadable"), ('root ::= "a")', "unreadable"),
        ("root ::= %", "unreadable"),
        ('root ::= "a"**', "unreadable"), ("root", "unreadable"), ("root ::= []", "unreadable"),
        (r'root ::= "\q"', "unsupported"), (r'root ::= "\ud800"', "unreadable"),
        ("\n".join(f'r{n} ::= "a"' for n in range(201)), "too_large"),
        ("root ::= " + "(" * 40 + '"a"' + ")" * 40, "too_large"),
        (ring("r{next} r{next}", last='"a"'), "too_large"),
        (ring('"a" r{far} | "b" r{half} | "c"{{50}}'), "too_large"),
        (ring('"{letter}" r{next} r{far} | ""'), "too_large"),
    ],
)  # fmt: skip
def test_grammars_that_cannot_be_kept_to_are_refused_soon(grammar, fault):
    began = time.process_time()
    with pytest.raises(GrammarUnsupported) as refusal:
        grammars.of_ebnf(grammar)

    assert (refusal.value.fault, refusal.value.status) == (fault, 400)
    assert time.process_time() - began < 2


@given(st.text(st.sampled_from(list('abr:=|()*+?{}[]"^-\\ \n#1,.가')), max_size=40))
def test_anything_is_a_well_formed_grammar_or_refused_in_words(written):
    for compiling in (grammars.of_regex, grammars.of_ebnf):
        refused = None
        try:
            rules_of(compiling(written))
        except GrammarUnsupported as refusal:
            refused = refusal
        if refused is not None:
            assert refused.place is None or 0 <= refused.place <= len(written)


def test_a_choice_of_texts():
    choices = ["가", 'a"b\\', "c\nd"]
    grammar = grammars.of_choices([*choices, "가"])

    assert {Scribe(grammar, seed).write() for seed in range(40)} == set(choices)
    for wrong in (["\0"], ["\ud800"], ["a" * 6_000, "b" * 6_000]):
        with pytest.raises(GrammarUnsupported):
            grammars.of_choices(wrong)
