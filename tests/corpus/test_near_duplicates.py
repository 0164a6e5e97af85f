"""Near-duplicates and contamination: what the hashes find and what they leave."""

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin.corpus.contamination import Passages, read_passages
from hunmin.corpus.ngrams import comparable, ngram_hashes, stable_hash, word_hashes, word_ids
from hunmin.errors import SourceUnreadable
from tests.corpus.conftest import ONE_SOURCE, paragraph

WORDS = st.lists(st.sampled_from([f"낱말{i}" for i in range(12)]), max_size=40)


def edited(text, share, mark):
    """Return a text with a share of its words changed, in one stretch."""
    words = text.split(" ")
    changed = int(len(words) * share)
    return " ".join([f"바뀐{mark}의{i}" for i in range(changed)] + words[changed:])


def test_texts_that_share_most_runs_of_words_are_found_and_others_are_not(build, jsonl):
    rows = []
    for number in range(40):
        text = paragraph(number, sentences=30)
        rows.append({"id": f"{number}", "text": text})
        rows.append({"id": f"{number}-near", "text": edited(text, 0.08, number)})
        rows.append({"id": f"{number}-far", "text": edited(text, 0.6, number)})
    jsonl("s.jsonl", rows)

    built = build(ONE_SOURCE)

    near = [doc_id for doc_id, reason in built.dropped.items() if reason == "near_duplicate"]
    assert len([doc_id for doc_id in near if doc_id.endswith("-near")]) >= 39
    assert not [doc_id for doc_id in near if not doc_id.endswith("-near")]
    assert all(row["detail"] == f"repeats {row['id'].removesuffix('-near')}" for row in built.drops)
    assert built.manifest.facts["clusters"] == len(near)


def test_a_chain_of_small_edits_is_one_cluster_with_its_first_kept(build, jsonl):
    text = paragraph(1, sentences=60)
    versions = [text.replace("조용히", f"조용히{i}", i * 3) for i in range(5)]
    jsonl("s.jsonl", [{"id": f"{i}", "text": each} for i, each in enumerate(versions)])

    built = build(ONE_SOURCE)

    assert "s:0" in built.texts
    assert built.manifest.facts["clusters"] == 1


@given(WORDS, st.integers(1, 12))
def test_equal_runs_have_equal_hashes_and_others_have_others(words, size):
    runs = [tuple(words[i : i + size]) for i in range(len(words) - size + 1)]

    within = ngram_hashes(word_ids(words), size)
    between = ngram_hashes(word_hashes(words), size)

    assert len(within) == len(between) == len(runs)
    assert len(set(within.tolist())) == len(set(between.tolist())) == len(set(runs))
    for run, value in zip(runs, between.tolist(), strict=True):
        assert ngram_hashes(word_hashes(list(run)), size).tolist() == [value]


def test_hashes_are_the_same_on_every_machine():
    """A changed value would change every corpus; that must not happen unnoticed."""
    assert stable_hash("0", "order", "s:1", "0") == 3768749997763823374
    assert ngram_hashes(word_hashes(["훈민", "정음", "해례"]), 2).tolist() == [
        3674862336611841349,
        13503505297039639508,
    ]


@pytest.fixture
def passages(jsonl):
    path = jsonl(
        "eval.jsonl",
        [
            {"id": "long", "context": paragraph(1, 4), "choices": ["짧은 것", paragraph(2, 3)]},
            {"id": "short", "text": "한 문장."},
        ],
    )
    return read_passages([path], size=8, share=0.5)


def held(passages, text):
    return passages.hit(comparable(text))


def test_a_passage_is_found_inside_a_longer_text_whatever_its_punctuation(passages):
    inside = paragraph(5) + " " + paragraph(1, 4).replace(".", "…!") + paragraph(6)
    assert held(passages, inside) == "long"
    assert held(passages, paragraph(9) + "\n\n" + paragraph(2, 3).upper()) == "long"


def test_less_than_the_share_asked_for_is_let_through(passages):
    assert held(passages, paragraph(5) + paragraph(1, 1)) is None
    assert held(passages, paragraph(1, 3)) == "long"


def test_short_items_and_other_texts_are_not_found(passages):
    assert held(passages, "한 문장. " + paragraph(7, 20)) is None
    assert held(passages, "") is None


@pytest.mark.parametrize("name", ["eval.jsonl", "eval.json.gz"])
def test_evaluation_items_come_with_any_line_separator_and_form(tmp_path, name):
    path = tmp_path / name
    lines = f'{{"q": "{paragraph(1)}\u2028{paragraph(2)}"}}\n["{paragraph(3)}"]\n'.encode()
    path.write_bytes(gzip.compress(lines) if name.endswith(".gz") else lines)

    found = read_passages([path], size=8, share=0.5)

    assert found.names == (f"{name}:1", f"{name}:2")
    assert held(found, paragraph(3)) == f"{name}:2"


@pytest.mark.parametrize(
    ("name", "raw"),
    [("a.jsonl", b'{"q": "a"}\n\xff{"q"'), ("a.jsonl", b'{"q": '), ("README.md", b"# Items")],
)
def test_an_evaluation_file_that_cannot_be_read_whole_is_named(tmp_path, name, raw):
    (tmp_path / name).write_bytes(raw)

    with pytest.raises(SourceUnreadable, match=name):
        read_passages([tmp_path / name], size=8, share=0.5)


def test_passages_are_the_same_after_saving(passages, tmp_path):
    passages.save(tmp_path / "passages.npz")

    loaded = Passages.load(tmp_path / "passages.npz")

    assert np.array_equal(loaded.hashes, passages.hashes)
    assert held(loaded, paragraph(1, 4)) == "long"
    assert held(Passages.none(), paragraph(1, 4)) is None
