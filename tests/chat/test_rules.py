"""Messages, titles, trees and what fits: pure rules, with every text and every tree."""

import asyncio
import unicodedata
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin.chat import rules, titles
from hunmin.chat.rules import Node
from hunmin.errors import MessageEmpty, MessageTooLong, TitleUnfit, WrongTurn


@given(st.text())
def test_a_tidy_text_stays_as_it_is_and_any_database_takes_it(text):
    tidied = rules.tidy(text)

    assert rules.tidy(tidied) == tidied
    assert unicodedata.is_normalized("NFC", tidied)
    assert "\r" not in tidied
    assert "\x00" not in tidied
    tidied.encode()


def test_hangul_that_macos_took_apart_is_put_together():
    assert rules.tidy(unicodedata.normalize("NFD", "훈민정음")) == "훈민정음"


def test_what_a_question_says_is_kept_with_its_lines_and_its_indentation():
    assert rules.tidy("\n  def f():\r\n\treturn 1\r\n\n") == "  def f():\n\treturn 1"


@pytest.mark.parametrize("blank", ["", " ", "\n\t ", "\x00", "\u3000"])
def test_a_message_of_blanks_is_refused(blank):
    with pytest.raises(MessageEmpty):
        rules.check_message(blank, characters_max=10)


def test_a_message_may_be_as_long_as_the_limit_and_no_longer():
    assert rules.check_message("가" * 10, characters_max=10) == "가" * 10

    with pytest.raises(MessageTooLong) as refusal:
        rules.check_message("가" * 11, characters_max=10)
    assert (refusal.value.characters, refusal.value.characters_max) == (11, 10)


@given(st.text(min_size=1))
def test_a_title_is_one_line_of_bounded_width_for_any_message(message):
    title = titles.make_title(message)

    assert "\n" not in title
    assert titles._width(title) <= titles.TITLE_COLUMNS
    assert unicodedata.is_normalized("NFC", title)


@pytest.mark.parametrize(
    ("message", "title"),
    [
        ("안녕하세요", "안녕하세요"),
        ("\n\n# 전입신고 안내\n본문", "전입신고 안내"),
        ("- **굵은** `코드` 목록", "굵은 코드 목록"),
        ("---\n\n다음 줄", "다음 줄"),
        ("???", "???"),
        ("  여러   칸   띄움 ", "여러 칸 띄움"),
        (
            "이사한 뒤 전입신고는 언제까지, 어떻게 하나요? 그리고 준비물은요?",
            "이사한 뒤 전입신고는 언제까지, 어떻게…",
        ),
        (
            "How do I register a change of address after moving to Seoul?",
            "How do I register a change of address after…",
        ),
        ("가" * 40, "가" * 21 + "…"),
    ],
)
def test_a_title_is_the_first_words_that_say_something(message, title):
    assert titles.make_title(message) == title


def test_a_title_is_never_cut_inside_a_character():
    family = "👨\u200d👩\u200d👧"
    assert not titles.make_title("가" * 20 + family + "나").rstrip("…").endswith("\u200d")
    accents = "e\u0301\u0323" * 60
    assert not unicodedata.combining(titles.make_title(accents)[0])


@pytest.mark.parametrize("title", ["", "  ", "가" * 121])
def test_a_title_nobody_could_read_is_refused(title):
    with pytest.raises(TitleUnfit):
        rules.check_title(title)


def test_a_title_is_put_on_one_line():
    assert rules.check_title(" 이사\n준비 ") == "이사 준비"


def test_a_question_follows_an_answer_or_nothing():
    rules.check_follows(None)
    rules.check_follows(Node("a", "q", "assistant"))

    with pytest.raises(WrongTurn):
        rules.check_follows(Node("q", None, "user"))


@st.composite
def trees(draw):
    """Draw messages, oldest first, each below an earlier one or below nothing."""
    size = draw(st.integers(1, 30))
    nodes: list[Node] = []
    for number in range(size):
        parent = draw(st.sampled_from([None, *nodes]))
        role = "user" if parent is None or parent.role == "assistant" else "assistant"
        nodes.append(Node(f"{number:03}", parent.id if parent else None, role))
    return nodes


@given(trees(), st.data())
def test_the_way_to_a_message_begins_at_the_top_and_never_jumps(nodes, data):
    leaf = data.draw(st.sampled_from(nodes))
    by_id = {node.id: node for node in nodes}

    path = rules.path_to(by_id, leaf.id)

    assert path[-1] == leaf.id
    assert by_id[path[0]].parent_id is None
    assert all(by_id[below].parent_id == above for above, below in pairwise(path))


@given(trees(), st.data())
def test_the_newest_leaf_below_a_message_is_a_leaf_on_its_branch(nodes, data):
    start = data.draw(st.sampled_from(nodes))
    by_id = {node.id: node for node in nodes}

    leaf = rules.newest_leaf(nodes, below=start.id)

    assert leaf not in {node.parent_id for node in nodes}
    assert start.id in rules.path_to(by_id, leaf)


def test_a_tree_that_bites_its_tail_ends_all_the_same():
    ring = {"a": Node("a", "b", "user"), "b": Node("b", "a", "assistant")}

    assert len(rules.path_to(ring, "a")) <= 3


def test_an_unknown_message_has_no_way_to_it():
    assert rules.path_to({}, "nowhere") == []
    assert rules.newest_leaf([]) is None


@pytest.mark.parametrize(
    ("state", "silent_seconds", "written_here", "shown"),
    [
        ("writing", 0, False, "writing"),
        ("writing", rules.ALIVE_SECONDS, False, "writing"),
        ("writing", rules.ALIVE_SECONDS + 1, False, "interrupted"),
        ("writing", 1000, True, "writing"),
        ("writing", -rules.ALIVE_SECONDS, False, "writing"),
        ("writing", -rules.ALIVE_SECONDS - 1, False, "interrupted"),
        ("whole", 1000, False, "whole"),
        ("stopped", 1000, False, "stopped"),
    ],
)
def test_an_answer_without_a_sign_of_life_is_interrupted(
    noon, state, silent_seconds, written_here, shown
):
    saved_at = noon - timedelta(seconds=silent_seconds)

    assert rules.state_now(state, saved_at=saved_at, now=noon, written_here=written_here) == shown


@given(st.text(max_size=200), st.text(min_size=1, max_size=5))
def test_an_excerpt_is_short_and_on_one_line(text, found):
    excerpt = rules.excerpt(text, found)

    assert excerpt is None or (len(excerpt) <= 62 and "\n" not in excerpt)


def test_an_excerpt_shows_what_was_found_with_words_around_it():
    text = "앞의 말이 길게 이어지고 또 이어집니다.\n" * 3 + "여기 경복궁이 나옵니다." + " 뒷말" * 30

    excerpt = rules.excerpt(text, "경복궁")

    assert excerpt is not None
    assert "경복궁" in excerpt
    assert excerpt.startswith("…")
    assert excerpt.endswith("…")


@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=31).filter(lambda sizes: len(sizes) % 2),
    st.integers(0, 400),
)
def test_as_few_old_rounds_as_needed_are_left_out(sizes, tokens_max):
    async def count_from(first: int) -> int:
        return sum(sizes[first:])

    left_out = asyncio.run(
        rules.turns_left_out(len(sizes), count_from=count_from, tokens_max=tokens_max)
    )

    assert left_out % 2 == 0
    assert left_out < len(sizes)
    assert sum(sizes[left_out:]) <= tokens_max or left_out == len(sizes) - 1
    assert left_out == 0 or sum(sizes[left_out - 2 :]) > tokens_max


@given(st.integers(1, 100_000), st.integers(1, 5_000))
def test_a_conversation_leaves_room_for_an_answer(context_tokens, answer_tokens_max):
    fits = rules.prompt_tokens_max(
        context_tokens=context_tokens, answer_tokens_max=answer_tokens_max
    )

    room = context_tokens - fits
    assert room == min(answer_tokens_max, context_tokens // 3)
