"""Learning a vocabulary: the same bytes from the same corpus, and clear refusals."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import BPE

from hunmin import model
from hunmin.errors import (
    CorpusEmpty,
    ManifestMissing,
    OutputExists,
    ShardBroken,
    SourceBalanceWrong,
    VocabularySizeWrong,
    VocabularyTooLarge,
    WrongInput,
)
from hunmin.manifest import Manifest, verify_files
from hunmin.model.special_tokens import SPECIAL_TOKENS
from tests.model.conftest import KOREAN, sample_documents


def trained(folder: Path) -> bytes:
    return (folder / "tokenizer.json").read_bytes()


@pytest.fixture(scope="module")
def tokenizer(tokenizer_folder) -> Tokenizer:
    return model.load_tokenizer(tokenizer_folder)


def test_the_first_256_ids_are_the_special_tokens(tokenizer_folder):
    tokenizer = Tokenizer.from_file(str(tokenizer_folder / "tokenizer.json"))

    assert [tokenizer.id_to_token(token_id) for token_id in range(256)] == list(SPECIAL_TOKENS)
    assert tokenizer.get_vocab_size() == 768
    assert len(set(SPECIAL_TOKENS)) == 256


def test_the_folder_is_whole_and_names_its_corpus(tokenizer_folder):
    manifest = verify_files(tokenizer_folder)

    assert manifest.kind == "tokenizer"
    assert manifest.inputs[0].kind == "corpus"
    assert (tokenizer_folder / "lineage" / f"{manifest.inputs[0].sha256}.json").is_file()
    assert manifest.facts["vocab_size"] == 768
    assert manifest.facts["sample_documents"] == {"code": 20, "english": 20, "korean": 20}
    assert set(manifest.facts["sample_text_bytes"]) == {"code", "english", "korean"}


def test_shard_order_and_thread_count_do_not_show_in_the_result(
    make_corpus, tokenizer_folder, tmp_path, monkeypatch
):
    shuffled = make_corpus(sample_documents()[::-1], shards=3)
    monkeypatch.setenv("RAYON_NUM_THREADS", "1")

    model.train_tokenizer(shuffled, tmp_path / "again", vocab_size=768)

    assert trained(tmp_path / "again") == trained(tokenizer_folder)


def test_a_large_source_is_sampled_by_lot_whatever_the_shard_order(make_corpus, tmp_path):
    documents = sample_documents()
    limit = 8_000

    one = model.train_tokenizer(
        make_corpus(documents), tmp_path / "one", vocab_size=768, bytes_per_source_max=limit
    )
    two = model.train_tokenizer(
        make_corpus(documents[::-1], shards=4),
        tmp_path / "two",
        vocab_size=768,
        bytes_per_source_max=limit,
    )

    assert trained(tmp_path / "one") == trained(tmp_path / "two")
    assert one.facts == two.facts
    assert all(0 < size <= limit for size in one.facts["sample_text_bytes"].values())
    assert one.facts["sample_documents"]["korean"] < 20


def test_a_smaller_vocabulary_is_the_beginning_of_a_larger_one(corpus, tokenizer_folder, tmp_path):
    model.train_tokenizer(corpus, tmp_path / "larger", vocab_size=896)
    small, large = (
        json.loads(trained(folder))["model"] for folder in (tokenizer_folder, tmp_path / "larger")
    )

    assert large["merges"][: len(small["merges"])] == small["merges"]
    assert {token: n for token, n in large["vocab"].items() if n < 768} == small["vocab"]


def test_a_balance_lets_a_small_source_be_heard_whatever_the_shard_order(make_corpus, tmp_path):
    small = [("poem", "나 보기가 역겨워 가실 때에는 말없이 고이 보내 드리오리다", "poems")]
    documents = [*sample_documents(), *small]
    folders = [tmp_path / name for name in ("plain", "balanced", "again")]

    model.train_tokenizer(make_corpus(documents), folders[0], vocab_size=768)
    heard = model.train_tokenizer(make_corpus(documents), folders[1], vocab_size=768, balance=1)
    shuffled = make_corpus(documents[::-1], shards=3)
    model.train_tokenizer(shuffled, folders[2], vocab_size=768, balance=1)

    plain, balanced = (
        len(model.load_tokenizer(folder).encode(small[0][1]).ids) for folder in folders[:2]
    )
    assert balanced < 0.7 * plain
    assert trained(folders[1]) == trained(folders[2])
    assert heard.facts["source_readings"]["korean"] == 1.0
    assert heard.facts["source_readings"]["poems"] > 100
    assert heard.recipe["balance"] == 1


@pytest.mark.parametrize("balance", [-0.1, 1.01, float("nan")])
def test_an_impossible_balance_is_refused(corpus, tmp_path, balance):
    with pytest.raises(SourceBalanceWrong, match="from 0"):
        model.train_tokenizer(corpus, tmp_path / "out", vocab_size=768, balance=balance)

    assert list(tmp_path.iterdir()) == []


def test_every_token_is_built_by_its_own_merges(tokenizer_folder):
    plain = json.loads(trained(tokenizer_folder))["model"]
    merges = BPE(plain["vocab"], [tuple(pair) for pair in plain["merges"]])
    ordinary = [token for token, token_id in plain["vocab"].items() if token_id >= 256]

    assert [[each.value for each in merges.tokenize(token)] for token in ordinary] == [
        [token] for token in ordinary
    ]


@settings(deadline=None)
@given(text=st.text())
def test_any_text_comes_back_as_it_went_in(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text).ids, skip_special_tokens=False) == text


def test_a_text_of_many_scripts_comes_back_as_it_went_in(tokenizer):
    text = f"{KOREAN}\r\n\t  🙂 한글 漢字 e\u0301 \u0000 ᄒᆞᆫ글 12345 <|im_end|>\n\n"

    assert tokenizer.decode(tokenizer.encode(text).ids, skip_special_tokens=False) == text


def test_running_again_does_nothing_and_other_options_are_refused(corpus, tokenizer_folder, capfd):
    before = (tokenizer_folder / "manifest.json").stat().st_mtime_ns

    again = model.train_tokenizer(corpus, tokenizer_folder, vocab_size=768)

    assert again == Manifest.read(tokenizer_folder)
    assert (tokenizer_folder / "manifest.json").stat().st_mtime_ns == before
    assert "Learning" not in capfd.readouterr().err
    with pytest.raises(OutputExists):
        model.train_tokenizer(corpus, tokenizer_folder, vocab_size=896)


@pytest.mark.parametrize("vocab_size", [0, -128, 512, 700, 1000])
def test_an_impossible_vocabulary_size_is_refused_with_what_would_do(corpus, tmp_path, vocab_size):
    with pytest.raises(VocabularySizeWrong, match="multiple of 128 that is at least 640"):
        model.train_tokenizer(corpus, tmp_path / "out", vocab_size=vocab_size)

    assert list(tmp_path.iterdir()) == []


def test_a_vocabulary_larger_than_the_text_allows_is_refused_with_the_largest_possible(
    corpus, tmp_path
):
    with pytest.raises(VocabularyTooLarge) as refusal:
        model.train_tokenizer(corpus, tmp_path / "out", vocab_size=65_536)

    assert not (tmp_path / "out").exists()
    assert refusal.value.largest % 128 == 0
    largest = model.train_tokenizer(corpus, tmp_path / "out", vocab_size=refusal.value.largest)
    assert largest.facts["vocab_size"] == refusal.value.largest


def test_a_corpus_without_text_is_refused(make_corpus, tmp_path):
    with pytest.raises(CorpusEmpty):
        model.train_tokenizer(make_corpus([]), tmp_path / "out", vocab_size=768)
    with pytest.raises(CorpusEmpty):
        model.train_tokenizer(make_corpus([("a", "", "s")]), tmp_path / "out", vocab_size=768)


def test_a_folder_that_is_no_corpus_is_refused(tokenizer_folder, tmp_path):
    with pytest.raises(ManifestMissing):
        model.train_tokenizer(tmp_path, tmp_path / "out", vocab_size=768)
    with pytest.raises(WrongInput):
        model.train_tokenizer(tokenizer_folder, tmp_path / "out", vocab_size=768)


def test_a_torn_shard_is_named(make_corpus, tmp_path):
    broken = make_corpus()
    shard = broken / "shards/text-00000.parquet"
    shard.write_bytes(shard.read_bytes()[:-100])

    with pytest.raises(ShardBroken, match="text-00000"):
        model.train_tokenizer(broken, tmp_path / "out", vocab_size=768)


def test_a_line_without_end_does_not_hold_up_training(make_corpus, tmp_path):
    documents = [*sample_documents(), ("long", "가나다라" * 500_000 + " " * 100_000, "korean")]

    started = time.monotonic()
    model.train_tokenizer(make_corpus(documents), tmp_path / "out", vocab_size=768)

    assert time.monotonic() - started < 120


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_stopped_at_work_it_leaves_nothing_and_the_next_run_is_whole(make_corpus, tmp_path, sent):
    words = [("words", " ".join(f"{n:x}{n * 7919:x}" for n in range(200_000)), "words")]
    heavy = make_corpus([*sample_documents(), *words])
    out = tmp_path / "out"
    code = (
        "import sys; from pathlib import Path; from hunmin import model; "
        f"model.train_tokenizer(Path({str(heavy)!r}), Path({str(out)!r}), vocab_size=8192)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stderr=subprocess.PIPE, start_new_session=True
    ) as run:
        assert run.stderr is not None
        run.stderr.readline()  # the text is read; merges are being learned
        os.killpg(run.pid, sent)
        run.wait(timeout=60)

    assert run.returncode != 0
    assert not out.exists()
    manifest = model.train_tokenizer(heavy, out, vocab_size=768, min_frequency=50)
    assert manifest.facts["vocab_size"] == 768


def test_the_tokenizer_file_is_what_llama_cpp_calls_llama_bpe(tokenizer_folder):
    plain = json.loads(trained(tokenizer_folder))

    assert plain["model"]["type"] == "BPE"
    assert plain["model"]["ignore_merges"] is True
    assert plain["normalizer"] is None
    assert plain["post_processor"] is None
    split = plain["pre_tokenizer"]["pretokenizers"][0]
    assert split["pattern"]["Regex"] == (
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
        "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
    )
