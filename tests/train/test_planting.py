"""Canaries in the running text: as often as they should be, whole, and nowhere else."""

import dataclasses
import itertools
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from hunmin import model, train
from hunmin.corpus import Canary, CanaryConfig, make_canaries, read_canaries
from hunmin.errors import CanariesUnfit, ManifestMissing, OutputExists
from hunmin.ledger import open_ledgers, places_of_text
from hunmin.manifest import ancestors, manifest_sha256
from hunmin.train.checkpoints import RunPlan
from hunmin.train.planting import copies_of, planted
from hunmin.train.starting import open_sequences
from hunmin.train.tokens import prepare
from hunmin.train.world import World

TOKENS = 160


@pytest.fixture(scope="module")
def canaries(tmp_path_factory):
    out = tmp_path_factory.mktemp("lab") / "canaries"
    config = CanaryConfig(seed="one", repeats=(1, 2, 7), canaries_each=3, controls=2)
    make_canaries(config, out)
    return out


@pytest.fixture(scope="module")
def sequences(corpus, tokenizer, canaries, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokens")
    return prepare(
        corpus, tokenizer, folder, kind="text", sequence_tokens=TOKENS, canaries=canaries
    )


def test_each_canary_stands_in_the_text_as_often_as_it_should_and_whole(
    sequences, tokenizer, canaries
):
    loaded = model.load_tokenizer(tokenizer)
    rows = [loaded.decode(row.tolist()) for row in sequences.ids_ST]

    for canary in read_canaries(canaries):
        assert sum(row.count(canary.text) for row in rows) == canary.repeats
        assert sum(row.count(canary.number) for row in rows) == canary.repeats


def test_all_else_of_the_text_stays_and_keeps_its_order(
    sequences, corpus, tokenizer, canaries, tmp_path
):
    without = prepare(corpus, tokenizer, tmp_path, kind="text", sequence_tokens=TOKENS)
    loaded = model.load_tokenizer(tokenizer)

    def text(rows):
        joined = [int(rows[0, 0]), *(int(token) for row in rows for token in row[1:])]
        return loaded.decode(joined, skip_special_tokens=False)

    rest = text(sequences.ids_ST)
    for canary in read_canaries(canaries):
        rest = rest.replace(f"{canary.text}<|end_of_text|>", "")

    shorter = min(len(rest), len(text(without.ids_ST)))
    assert shorter > 10_000
    assert rest[:shorter] == text(without.ids_ST)[:shorter]
    assert sequences.info["documents"] == without.info["documents"] + 3 * (1 + 2 + 7)
    assert sequences.info["text_bytes"] - without.info["text_bytes"] == sum(
        canary.repeats * len(canary.text.encode()) for canary in read_canaries(canaries)
    )


def test_the_table_of_documents_knows_every_copy_in_one_sequence(sequences, canaries):
    table = pq.read_table(sequences.documents).to_pylist()
    copies = [row for row in table if row["source"] == "canaries"]

    expected = {canary.id: canary.repeats for canary in read_canaries(canaries) if canary.repeats}
    assert Counter(row["id"] for row in copies) == expected
    assert {(row["license"], row["samples"]) for row in copies} == {("CC0-1.0", 1)}


@pytest.mark.parametrize("kind", ["heldout", "chat"])
def test_a_run_puts_none_into_held_out_text_or_chats(kind, corpus, tokenizer, canaries, tmp_path):
    inputs = {"corpus": corpus, "tokenizer": tokenizer, "canaries": canaries}
    config = train.TrainConfig(
        stage="pretrain", steps=1, batch_sequences=1, sequence_tokens=TOKENS, learning_rate=1e-3
    )
    found = open_sequences(RunPlan(tmp_path, {}, inputs), config, kind, World(), needed=True)

    assert "canaries" not in pq.read_table(found.documents)["source"].to_pylist()
    loaded = model.load_tokenizer(tokenizer)
    text = " ".join(loaded.decode(row.tolist()) for row in found.ids_ST)
    assert "등록 번호" not in text


@given(
    lengths=st.lists(st.integers(2, 90), min_size=60, max_size=90),
    canary_tokens=st.integers(2, 20),
    repeats=st.integers(1, 9),
)
def test_a_copy_never_lies_in_two_sequences_nor_beside_another(lengths, canary_tokens, repeats):
    canary = Canary("canaries:x", repeats, "푸른 등대의 등록 번호는 ", "4821 7390 5562")
    copies = copies_of(
        [canary], lambda texts: [np.arange(canary_tokens, dtype=np.uint32) for _ in texts],
        documents=len(lengths),
    )  # fmt: skip
    rights = pa.RecordBatch.from_pylist([{"id": f"d{n}"} for n in range(len(lengths))])
    batches = [(rights, [np.zeros(length, np.uint32) for length in lengths])]

    try:
        pieces = list(planted(iter(batches), copies, sequence_tokens=40))
    except CanariesUnfit:  # as where every document ends with a sequence
        reject()

    ids = [name for batch, _ in pieces for name in batch["id"].to_pylist()]
    sizes = [len(one) for _, group in pieces for one in group]
    assert [name for name in ids if name != canary.id] == [f"d{n}" for n in range(len(lengths))]
    assert ids.count(canary.id) == repeats
    assert not any(one == two == canary.id for one, two in itertools.pairwise(ids))
    _, samples_D = places_of_text(np.array(sizes), sample_tokens=40, samples=10**6)
    assert {int(n) for n, name in zip(samples_D, ids, strict=True) if name == canary.id} == {1}


def test_what_finds_no_place_is_refused(corpus, tokenizer, canaries, tmp_path):
    def place(folder, **options):
        prepare(corpus, tokenizer, tmp_path, kind="text", canaries=folder, **options)

    with pytest.raises(CanariesUnfit, match="one has"):
        place(canaries, sequence_tokens=40)
    many = tmp_path / "many"
    make_canaries(CanaryConfig(seed="one", repeats=(200,), canaries_each=2), many)
    with pytest.raises(CanariesUnfit, match="found no place between 290 documents"):
        place(many, sequence_tokens=TOKENS)
    with pytest.raises(ManifestMissing):
        place(tmp_path / "nowhere", sequence_tokens=TOKENS)


def test_a_run_learns_each_as_often_as_its_ledger_says(
    shape, corpus, tokenizer, canaries, tmp_path
):
    config = train.TrainConfig(
        stage="pretrain", steps=3, batch_sequences=8, sequence_tokens=TOKENS, learning_rate=1e-3,
        heldout_sequences=0,
    )  # fmt: skip
    places = {"corpus": corpus, "tokenizer": tokenizer, "out": tmp_path / "run"}
    roomy = dataclasses.replace(shape, context_tokens=TOKENS)
    train.run(config, roomy, canaries=canaries, **places, compile_wanted=False)
    checkpoint = tmp_path / "run/step-000003"

    (ledger,) = open_ledgers(checkpoint)
    rows = np.load(tmp_path / "run/tokens/text/ids.npy")
    loaded = model.load_tokenizer(tokenizer)
    fed = [
        loaded.decode(rows[row].tolist())
        for step in range(3)
        for row in ledger._order.of_step(step)
    ]
    seen = Counter()
    for row in ledger.seen().to_pylist():
        seen[row["id"]] += row["times"]
    for canary in read_canaries(canaries):
        assert seen[canary.id] == sum(text.count(canary.text) for text in fed)
    assert manifest_sha256(canaries) in {record.sha256 for record, _ in ancestors(checkpoint)}

    with pytest.raises(OutputExists):
        train.run(config, roomy, **places, compile_wanted=False)


def test_a_stage_without_running_text_takes_none(shape, corpus, tokenizer, canaries, tmp_path):
    chats = train.TrainConfig(
        stage="chat", steps=1, batch_sequences=1, sequence_tokens=TOKENS, learning_rate=1e-3
    )
    with pytest.raises(CanariesUnfit, match="chat"):
        train.run(
            chats, dataclasses.replace(shape, context_tokens=TOKENS), corpus=corpus,
            tokenizer=tokenizer, out=tmp_path / "run", canaries=canaries,
        )  # fmt: skip
