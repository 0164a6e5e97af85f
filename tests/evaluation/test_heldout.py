"""Bits per byte: every byte counted once, exactly, whatever the windows and the order."""

import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hunmin.errors import HeldoutMissing
from hunmin.evaluation import heldout
from hunmin.evaluation.heldout import DocumentBits, HeldoutPlan, Text
from hunmin.evaluation.scoring import load_scorer
from tests.evaluation.conftest import WORDS, sentence

texts_of_any_kind = st.lists(
    st.text(min_size=1, max_size=200).filter(lambda text: text.isprintable() or text.strip()),
    min_size=1,
    max_size=5,
)


@pytest.fixture(scope="session")
def even(make_checkpoint):
    """Return a model that finds every token equally likely, wherever it stands."""
    scorer = load_scorer(make_checkpoint(seed=6, context_tokens=16))
    with torch.no_grad():
        scorer.model.lm_head.weight.zero_()
    return scorer


@settings(deadline=None, max_examples=20)
@given(texts=texts_of_any_kind, stride=st.integers(1, 16))
def test_a_model_that_knows_nothing_needs_the_same_bits_for_every_token(even, texts, stride):
    documents = [Text(str(n), "all", text) for n, text in enumerate(texts)]

    measured = heldout.measure(even, documents, HeldoutPlan(stride=stride))

    tokens = sum(len(even.encode(text)) for text in texts)
    size = sum(len(text.encode()) for text in texts)
    result = heldout.summarize(measured)
    assert result.tokens == tokens
    assert result.text_bytes == size
    assert result.bits_per_byte == pytest.approx(tokens * math.log2(640) / size)


@settings(deadline=None, max_examples=10)
@given(st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=60), min_size=2, max_size=5))
def test_documents_measured_together_or_apart_need_the_same_bits(scorer, lists):
    documents = [Text(str(n), "all", " ".join(words)) for n, words in enumerate(lists)]

    together = heldout.measure(scorer, documents, HeldoutPlan())
    apart = [heldout.measure(scorer, [document], HeldoutPlan())[0] for document in documents]

    for one, two in zip(together, apart, strict=True):
        assert one.bits == pytest.approx(two.bits, rel=1e-5)
    whole = heldout.summarize(together).bits_per_byte
    assert whole == pytest.approx(sum(d.bits for d in apart) / sum(d.text_bytes for d in apart))


def test_more_context_is_read_with_a_shorter_stride(scorer, monkeypatch):
    read = []
    hidden = scorer.model.hidden
    monkeypatch.setattr(scorer.model, "hidden", lambda x: read.append(x.numel()) or hidden(x))
    document = [Text("d", "all", "\n".join(sentence(number) for number in range(30)))]

    heldout.measure(scorer, document, HeldoutPlan(stride=64))
    without_overlap = sum(read)
    heldout.measure(scorer, document, HeldoutPlan(stride=16))

    assert sum(read) - without_overlap > 2 * without_overlap


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(1, 1000), st.floats(0.1, 5)),
        min_size=1,
        max_size=30,
    )
)
def test_all_of_the_text_measured_gives_all_bits_over_all_bytes(rows):
    items = [
        DocumentBits(str(n), source, size, size, size * bits)
        for n, (source, size, bits) in enumerate(rows)
    ]
    totals = {}
    for item in items:
        totals[item.source] = totals.get(item.source, 0) + item.text_bytes

    result = heldout.summarize(items, totals=totals)

    whole = sum(item.bits for item in items) / sum(item.text_bytes for item in items)
    assert result.bits_per_byte == pytest.approx(whole)
    assert result.text_bytes == result.text_bytes_held_out


def test_a_source_read_in_part_weighs_as_much_as_the_corpus_holds_of_it():
    items = [DocumentBits("a", "long", 100, 30, 100.0), DocumentBits("b", "short", 100, 30, 300.0)]

    result = heldout.summarize(items, totals={"long": 900, "short": 100})

    assert result.bits_per_byte == pytest.approx(0.9 * 1 + 0.1 * 3)


def test_the_error_is_that_of_documents_drawn_whole():
    random = torch.Generator().manual_seed(0)
    bits = (torch.rand(4000, generator=random) * 2 + 1).tolist()
    items = [DocumentBits(str(n), "all", 100, 30, 100 * one) for n, one in enumerate(bits)]

    stderr = heldout.summarize(items).stderr

    assert stderr == pytest.approx(torch.tensor(bits).std().item() / 4000**0.5, rel=1e-6)


def test_a_stride_is_at_most_the_context():
    assert HeldoutPlan(stride=10_000).stride_tokens(64) == 64
    assert HeldoutPlan().stride_tokens(64) == 32
    assert HeldoutPlan().stride_tokens(1) == 1


def test_one_document_has_no_error_and_the_whole_still_has_one():
    items = [
        DocumentBits("a", "one", 100, 30, 150.0),
        DocumentBits("b", "many", 100, 30, 100.0),
        DocumentBits("c", "many", 100, 30, 200.0),
    ]

    result = heldout.summarize(items)

    assert result.by_source["one"].stderr is None
    assert result.by_source["many"].stderr > 0
    assert result.stderr > 0
    assert heldout.summarize(items[:1]).stderr is None


def test_each_source_is_read_up_to_its_share(corpus):
    chosen, totals = heldout.choose(corpus, HeldoutPlan(bytes_per_source=500))

    for source in ("verses", "laws"):
        read = sum(len(text.text.encode()) for text in chosen if text.source == source)
        assert 497 <= read <= 500
        assert totals[source] > 500


def test_a_cut_falls_between_characters(corpus):
    for share in range(490, 500):
        chosen, _ = heldout.choose(corpus, HeldoutPlan(bytes_per_source=share))
        assert all("�" not in text.text for text in chosen)


def test_without_a_share_all_of_the_text_is_read(corpus):
    chosen, totals = heldout.choose(corpus, HeldoutPlan(bytes_per_source=None))

    assert len(chosen) == 12
    assert sum(len(text.text.encode()) for text in chosen) == sum(totals.values())


def test_a_corpus_without_held_out_text_is_refused(tmp_path):
    (tmp_path / "shards").mkdir()
    columns = {name: [] for name in ("id", "text", "source")}
    pq.write_table(pa.table(columns), tmp_path / "shards/heldout-00000.parquet")

    with pytest.raises(HeldoutMissing):
        heldout.choose(tmp_path, HeldoutPlan())


def test_an_interrupted_measurement_goes_on_and_ends_the_same(
    scorer, corpus, tmp_path, monkeypatch
):
    monkeypatch.setattr(heldout, "_CHUNK_BYTES", 300)
    plan = HeldoutPlan()
    chosen, _ = heldout.choose(corpus, plan)
    whole = heldout.measure_resuming(scorer, chosen, plan, done_file=tmp_path / "a")
    lines = (tmp_path / "a").read_bytes().splitlines(keepends=True)
    (tmp_path / "b").write_bytes(b"".join(lines[:5]) + lines[5][:20])  # killed inside a line
    measured = []
    real = heldout.measure
    monkeypatch.setattr(heldout, "measure", lambda s, t, p: measured.extend(t) or real(s, t, p))

    again = heldout.measure_resuming(scorer, chosen, plan, done_file=tmp_path / "b")

    assert [item.bits for item in again] == pytest.approx([item.bits for item in whole], rel=1e-5)
    assert len(measured) == len(chosen) - 5
