"""Bulk encoding: the very ids the tokenizer gives, whatever the text."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.pre_tokenizers import ByteLevel

from hunmin import model
from hunmin.model import bulk
from hunmin.model.special_tokens import SPECIAL_TOKENS
from tests.model.conftest import CODE, ENGLISH, KOREAN


@pytest.fixture(scope="module")
def tokenizer(tokenizer_folder):
    return model.load_tokenizer(tokenizer_folder)


@pytest.fixture(scope="module")
def encode(tokenizer):
    return model.bulk_encoder(tokenizer)


pieces = st.one_of(
    st.text(),
    st.text("가나다라마법국민은의 을를 \n\r\t'sS.,(12٣½ſİ\u3000\u00a0\u200b"),
    st.sampled_from([KOREAN, ENGLISH, CODE, *SPECIAL_TOKENS[:8]]),
)
texts = st.lists(st.lists(pieces, max_size=4).map("".join), max_size=4)


@settings(deadline=None)
@given(texts=texts)
def test_ids_are_those_of_the_tokenizer(tokenizer, encode, texts):
    assert encode(texts) == [tokenizer.encode(text).ids for text in texts]


@pytest.mark.parametrize("run", ["가" * 300_000, " " * 300_000, "=" * 300_000, "\n" * 300_000])
def test_a_run_without_end_is_encoded_all_the_same(tokenizer, encode, run):
    expected = [tokenizer.encode(text).ids for text in ("앞", run, "뒤")]

    assert encode(["앞", run, "뒤"]) == expected


def test_every_letter_of_byte_level_bpe_has_its_byte():
    letters = bulk.byte_alphabet()

    assert set(letters) == set(ByteLevel.alphabet())
    assert sorted(letters.values()) == list(range(256))


def test_a_vocabulary_learned_by_us_runs_in_tiktoken(tokenizer_folder):
    plain = json.loads((tokenizer_folder / "tokenizer.json").read_text("utf-8"))

    assert bulk._same_in_tiktoken(plain) is not None


@pytest.mark.parametrize(
    "change",
    [
        lambda plain: plain["model"]["merges"].reverse(),
        lambda plain: plain["model"]["merges"].append(plain["model"]["merges"][0]),
        lambda plain: plain["model"].update(ignore_merges=False),
        lambda plain: plain.update(normalizer={"type": "NFC"}),
        lambda plain: plain.update(pre_tokenizer=plain["pre_tokenizer"]["pretokenizers"][1]),
    ],
)
def test_any_other_vocabulary_is_left_to_tokenizers(tokenizer_folder, change):
    plain = json.loads((tokenizer_folder / "tokenizer.json").read_text("utf-8"))
    change(plain)
    other = Tokenizer.from_str(json.dumps(plain))

    assert bulk._same_in_tiktoken(plain) is None
    expected = [other.encode(text).ids for text in (KOREAN, CODE)]
    assert model.bulk_encoder(other)([KOREAN, CODE]) == expected
