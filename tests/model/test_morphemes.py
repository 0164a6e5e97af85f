"""Merges learned inside morphemes: where text is cut, and that nothing else changes."""

import importlib.metadata
import json
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Regex
from tokenizers.pre_tokenizers import Split

from hunmin import model
from hunmin.errors import ExtraMissing
from hunmin.model.morphemes import borders_of, cut_at_morphemes, pieces_between
from hunmin.model.tokenizer import SPLIT_EXPRESSION


class Morpheme(NamedTuple):
    start: int
    end: int


@st.composite
def analyzed_texts(draw):
    text = draw(st.text(st.sampled_from("가나다한글 ab1.\n😀"), max_size=30))
    places = st.integers(0, len(text))
    spans = draw(st.lists(st.tuples(places, places).map(sorted), max_size=20))
    return text, [Morpheme(*span) for span in sorted(spans)]


@given(analyzed_texts())
def test_text_is_cut_between_two_letters_where_two_morphemes_meet_and_nowhere_else(analyzed):
    text, morphemes = analyzed

    borders = borders_of(text, morphemes)

    begins, ends = {each.start for each in morphemes}, {each.end for each in morphemes}
    assert borders == sorted(set(borders))
    assert set(borders) <= begins & ends
    for border in borders:
        assert text[border - 1].isalpha()
        assert text[border].isalpha()
        assert not any(each.start < border < each.end for each in morphemes)


@given(analyzed_texts())
def test_pieces_are_those_of_encoding_cut_further(analyzed):
    text, morphemes = analyzed
    borders = borders_of(text, morphemes)

    pieces = list(pieces_between(text, borders))

    assert "".join(pieces) == text
    ends = {sum(map(len, pieces[:count])) for count in range(len(pieces) + 1)}
    whole = Split(Regex(SPLIT_EXPRESSION), "isolated").pre_tokenize_str(text)
    assert ends == {0, *borders, *(end for _, (_, end) in whole)}


def test_a_syllable_of_two_morphemes_stays_whole():
    stem, past, ending = Morpheme(0, 1), Morpheme(0, 1), Morpheme(1, 2)

    assert borders_of("했다", [stem, past, ending]) == [1]


def test_without_kiwi_the_extra_is_named_and_nothing_is_made(corpus, tmp_path, monkeypatch):
    def absent(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", absent)

    with pytest.raises(ExtraMissing, match=r"hunmin\[morphemes\]"):
        model.train_tokenizer(corpus, tmp_path / "out", vocab_size=768, morphemes=True)
    assert list(tmp_path.iterdir()) == []


def test_texts_are_cut_in_order_and_as_often_as_they_come():
    pytest.importorskip("kiwipiepy")
    home, school = "집에서 쉬었다.", "학교에서 배웠다."

    cut = list(cut_at_morphemes(iter([home, school, school, "", home])))

    assert cut[1] == cut[2] == ["학교", "에서", " 배웠", "다", "."]
    assert cut[0] == cut[4] == ["집", "에서", " 쉬", "었", "다", "."]
    assert cut[3] == []


def test_no_token_holds_two_morphemes_and_encoding_is_that_of_all_tokenizers(corpus, tmp_path):
    kiwi = pytest.importorskip("kiwipiepy")

    plain = model.train_tokenizer(corpus, tmp_path / "plain", vocab_size=896)
    guided = model.train_tokenizer(corpus, tmp_path / "guided", vocab_size=896, morphemes=True)

    assert tokens_of(tmp_path / "plain", " 국민에게") == [" 국민에게"]
    assert tokens_of(tmp_path / "guided", " 국민에게") == [" 국민", "에게"]
    assert "kiwi" not in plain.recipe
    assert guided.recipe["kiwi"] == kiwi.__version__
    one, other = (
        json.loads((tmp_path / name / "tokenizer.json").read_text("utf-8"))
        for name in ("plain", "guided")
    )
    del one["model"], other["model"]
    assert one == other


def tokens_of(folder, text):
    tokenizer = model.load_tokenizer(folder)
    return [tokenizer.decode([token_id]) for token_id in tokenizer.encode(text).ids]
