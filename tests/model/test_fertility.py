"""The tokenizer report: numbers that can be checked by hand, beside other vocabularies."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from typer.testing import CliRunner

from hunmin import model
from hunmin.errors import CorpusEmpty, TokenizerBroken
from hunmin.model.commands import tokenizer as commands
from hunmin.model.script import paragraphs, script_of


@pytest.fixture
def byte_tokenizer(tmp_path):
    """A tokenizer of another maker: every byte is a token."""
    alphabet = sorted(ByteLevel.alphabet())
    tokenizer = Tokenizer(BPE({letter: number for number, letter in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevelDecoder()
    tokenizer.save(str(tmp_path / "bytes.json"))
    return tmp_path / "bytes.json"


def test_a_vocabulary_of_bytes_has_one_byte_a_token(byte_tokenizer, make_corpus, tokenizer_folder):
    corpus = make_corpus([("1", "가나다 가\n\nab {};", "s")])

    ours, theirs = model.tokenizer_report(tokenizer_folder, corpus, beside=[byte_tokenizer])

    everything = theirs.fertility[0]
    assert everything.group == "all"
    assert everything.text_bytes == everything.tokens == 21
    assert everything.bytes_per_token == 1
    assert everything.tokens_per_word == round(21 / 4, 3)
    assert everything.partial_token_share == round(12 / 21, 4)
    assert theirs.vocab_size == 256
    assert theirs.hangul_tokens == 0
    assert theirs.unused_share == round((256 - 15) / 256, 4)
    assert ours.vocab_size == 768
    assert ours.fertility[0].text_bytes == 21
    assert ours.fertility[0].tokens < 21


def test_the_report_counts_by_source_and_by_language(corpus, tokenizer_folder):
    (report,) = model.tokenizer_report(tokenizer_folder, corpus)

    names = {(row.group, row.name) for row in report.fertility}
    assert {("language", "korean"), ("language", "english"), ("language", "code")} <= names
    assert {("source", "korean"), ("source", "english"), ("source", "code")} <= names
    by_source = [row for row in report.fertility if row.group == "source"]
    by_language = [row for row in report.fertility if row.group == "language"]
    assert sum(row.tokens for row in by_source) == report.fertility[0].tokens
    assert sum(row.text_bytes for row in by_language) == report.fertility[0].text_bytes
    assert report.hangul_tokens > 20
    assert 0 < report.unused_share < 1


def test_the_command_prints_tables_or_json(corpus, tokenizer_folder, byte_tokenizer):
    asked = ["report", str(tokenizer_folder), str(corpus), "--beside", str(byte_tokenizer)]

    tables = CliRunner().invoke(commands, asked)
    plain = CliRunner().invoke(commands, [*asked, "--json"])

    assert tables.exit_code == 0
    assert "bytes.json" in tables.stdout
    assert "language korean" in tables.stdout
    assert [report["vocab_size"] for report in json.loads(plain.stdout)] == [768, 256]


def test_what_is_no_tokenizer_or_has_no_text_is_refused(
    corpus, make_corpus, tokenizer_folder, tmp_path
):
    (tmp_path / "other.json").write_text("[]")
    with pytest.raises(TokenizerBroken, match="other"):
        model.tokenizer_report(tmp_path / "other.json", corpus)
    with pytest.raises(TokenizerBroken):
        model.tokenizer_report(tokenizer_folder, corpus, beside=[tmp_path / "missing.json"])
    with pytest.raises(CorpusEmpty):
        model.tokenizer_report(tokenizer_folder, make_corpus([]))


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("모든 국민은 법 앞에 평등하다.", "korean"),
        ("ᄒᆞᆫ글", "korean"),
        ("Python의 `list`를 씁니다", "korean"),
        ("All citizens are equal before the law.", "english"),
        ("for (int i = 0; i < n; i++) { x[i] = 0; }", "code"),
        ("所有公民在法律面前一律平等", "other"),
        ("1234", "other"),
        ("", "other"),
    ],
)
def test_a_paragraph_is_told_by_its_characters(text, script):
    assert script_of(text) == script


@given(st.lists(st.sampled_from(["가", "a", "\n", " ", "\r\n", "\n\n"])).map("".join))
def test_paragraphs_joined_are_the_text(text):
    assert "".join(paragraphs(text)) == text
