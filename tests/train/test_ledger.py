"""The ledger of a run, judged by what the run was really fed."""

import dataclasses
import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from hunmin import model, train
from hunmin.__main__ import load_command
from hunmin.errors import LedgerBroken, LedgerMissing
from hunmin.ledger import open_ledgers
from hunmin.manifest import Manifest, manifest_sha256
from hunmin.train import stepping


@pytest.fixture(scope="module")
def trained(corpus, tokenizer, shape, tmp_path_factory):
    """Give a pretrained and then a chat checkpoint, and the rows each step was fed, by run."""
    folder = tmp_path_factory.mktemp("runs")
    fed: dict[str, list[list[int]]] = {}
    feed = stepping.make_batch

    def run(stage, steps, base=None):
        rows: list[list[int]] = []
        fed[stage] = rows

        def watched(sequences, wanted, device, **options):
            if "heldout" not in str(sequences.documents):
                rows.append(np.asarray(wanted).tolist())
            return feed(sequences, wanted, device, **options)

        config = train.TrainConfig(
            stage=stage,
            steps=steps,
            batch_sequences=4,
            sequence_tokens=48 if stage == "pretrain" else 160,
            learning_rate=3e-3,
            heldout_sequences=2,
            chats_joined_max=2,
            checkpoints_kept=9,
            checkpoint_every_steps=5,
        )
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(stepping, "make_batch", watched)
            train.run(
                config, dataclasses.replace(shape, context_tokens=160), corpus=corpus,
                tokenizer=tokenizer, out=folder / stage, base=base, compile_wanted=False,
            )  # fmt: skip
        return folder / stage / f"step-{steps:06}"

    base = run("pretrain", 13)
    last = run("chat", 20, base)
    return base, last, fed


def texts_in(corpus, tokenizer, base):
    """Return for each row of the running text which documents it holds, by counting tokens."""
    loaded = model.load_tokenizer(tokenizer)
    table = pq.read_table(corpus / "shards/text-00000.parquet").to_pylist()
    owners = [
        row["id"]
        for row in table
        for _ in [*loaded.encode(row["text"], add_special_tokens=False).ids, "end"]
    ]
    rows = len(np.load(base.parent / "tokens/text/ids.npy", mmap_mode="r"))
    return [set(owners[i * 48 : (i + 1) * 48 + 1]) for i in range(rows)]


def test_every_document_is_found_at_the_steps_that_were_fed_with_it(trained, corpus, tokenizer):
    base, _, fed = trained
    held = texts_in(corpus, tokenizer, base)
    (ledger,) = open_ledgers(base)
    ids = pq.read_table(corpus / "shards/text-00000.parquet")["id"].to_pylist()

    found = {sighting.id: sighting.steps for sighting in ledger.find(ids)}

    assert set(found) == set(ids)
    for doc_id in ids:
        truth = [
            step
            for step, rows in enumerate(fed["pretrain"], start=1)
            if any(doc_id in held[row] for row in rows)
        ]
        assert list(found[doc_id]) == truth


def test_every_step_names_the_documents_it_was_fed_with(trained, corpus, tokenizer):
    base, _, fed = trained
    held = texts_in(corpus, tokenizer, base)
    (ledger,) = open_ledgers(base)

    for step, rows in enumerate(fed["pretrain"], start=1):
        assert set(ledger.of_step(step)["id"].to_pylist()) == set().union(*(held[r] for r in rows))


def test_each_checkpoint_lists_what_it_has_seen_and_how_often(trained, corpus, tokenizer):
    base, _, fed = trained
    held = texts_in(corpus, tokenizer, base)
    for steps in (5, 10, 13):
        (ledger,) = open_ledgers(base.parent / f"step-{steps:06}")
        rows = [row for step in fed["pretrain"][:steps] for row in step]
        truth = {
            doc_id: sum(doc_id in held[row] for row in rows)
            for doc_id in set().union(*(held[row] for row in rows))
        }

        seen = ledger.seen().to_pylist()

        assert {row["id"]: row["times"] for row in seen} == truth
        assert {(row["source"], row["license"]) for row in seen} == {("verses", "CC0-1.0")}


def test_chats_are_found_where_they_were_packed(trained, corpus, tokenizer):
    _, last, fed = trained
    chat, text = open_ledgers(last)
    assert (chat.steps, text.steps) == (20, 13)
    loaded = model.load_tokenizer(tokenizer)
    rows = np.load(last.parent / "tokens/chat/ids.npy")
    decoded = [loaded.decode(row.tolist(), skip_special_tokens=True) for row in rows]
    for row in pq.read_table(corpus / "shards/chat-00000.parquet").to_pylist()[::7]:
        asked, answered = (turn["content"] for turn in row["messages"])
        (sighting,) = chat.find([row["id"]])
        holding = {n for n, words in enumerate(decoded) if asked in words and answered in words}
        possible = {step for step, fed_rows in enumerate(fed["chat"], 1) if holding & set(fed_rows)}
        assert set(sighting.steps) <= possible
        if len(holding) == 1:
            assert set(sighting.steps) == possible
    assert text.find(["c1"]) == []


def test_a_run_that_was_interrupted_tells_the_same(trained, corpus, tokenizer, shape, tmp_path):
    base, _, _ = trained
    shutil.copytree(base.parent, tmp_path / "pretrain")
    for folder in ("step-000010", "step-000013"):
        shutil.rmtree(tmp_path / "pretrain" / folder)
    recipe = Manifest.read(base).recipe["train"]
    recipe["betas"] = tuple(recipe["betas"])
    train.run(
        train.TrainConfig(**recipe), dataclasses.replace(shape, context_tokens=160),
        corpus=corpus, tokenizer=tokenizer, out=tmp_path / "pretrain", compile_wanted=False,
    )  # fmt: skip

    assert Manifest.read(tmp_path / "pretrain/step-000013").ledger == Manifest.read(base).ledger


def test_the_ledger_travels_with_the_model(trained, tmp_path):
    _, last, _ = trained
    model.export(last, tmp_path / "model", name="moved")
    moved = tmp_path / "elsewhere"
    (tmp_path / "model").rename(moved)

    assert [ledger.steps for ledger in open_ledgers(moved)] == [20, 13]


def trace(*words):
    runner = CliRunner(env={"LC_ALL": "C.UTF-8"})
    return runner.invoke(load_command("trace"), [*map(str, words)], catch_exceptions=False)


def test_the_command_answers_for_a_document_a_step_and_a_whole_model(trained):
    _, last, _ = trained
    ledgers = open_ledgers(last)
    some = ledgers[1].of_step(3)["id"].to_pylist()[0]
    (sighting,) = ledgers[1].find([some])

    one = trace(last, "--document", some, "--json")
    (answer,) = map(json.loads, one.stdout.splitlines())
    assert answer == {
        "checkpoint": "pretrain/step-000013", "id": some, "source": "verses",
        "license": "CC0-1.0", "consent": "", "steps": list(sighting.steps),
    }  # fmt: skip
    words = trace(last, "--document", some, "--document", "nobody").stdout
    assert "pretrain/step-000013: seen at steps" in words
    assert "nobody: in the data of no stage" in words
    assert "스텝" in trace(last, "--document", some, "--language", "ko").stdout

    step = [json.loads(line) for line in trace(last, "--step", 3, "--json").stdout.splitlines()]
    assert {row["checkpoint"] for row in step} == {"pretrain/step-000013", "chat/step-000020"}
    late = trace(last, "--step", 14).stdout.splitlines()
    assert late
    assert all(line.startswith("chat/") for line in late)

    seen = trace(last, "--documents", "--json").stdout.splitlines()
    assert len(seen) == sum(ledger.seen().num_rows for ledger in ledgers)
    assert trace(last, "--documents", "--step", 1).exit_code == 2


def test_models_that_saw_what_was_withdrawn_are_named(trained, tmp_path):
    base, last, _ = trained
    chat, _ = open_ledgers(last)
    seen = chat.seen()["id"].to_pylist()[0]
    withdrawn = tmp_path / "rights.jsonl"
    withdrawn.write_text(f'{{"withdrawn": "{seen}"}}\n{{"license": "KOGL-2"}}\nnobody\n')

    said = trace(base, last, "--withdrawn", withdrawn)

    assert said.exit_code == 1
    assert f"{base}: saw none of the 2 ids withdrawn." in said.stdout
    assert f"{last}: saw 1 documents of the 2 ids withdrawn." in said.stdout
    assert f"{seen}  chat/step-000020: seen at steps" in said.stdout
    assert trace(base, "--withdrawn", withdrawn).exit_code == 0
    first, second = map(
        json.loads, trace(base, last, "--withdrawn", withdrawn, "--json").stdout.splitlines()
    )
    assert (first["seen"], [one["id"] for one in second["seen"]]) == ([], [seen])


@pytest.mark.parametrize(
    "line", [b'{"withdrawn": "c1"', b'{"withdrawn": 5}', b'{"withdraw": "c1"}', b"\xb0\xa1"]
)
def test_a_list_that_might_hide_an_id_is_refused(trained, tmp_path, line):
    base, _, _ = trained
    withdrawn = tmp_path / "withdrawn.jsonl"
    withdrawn.write_bytes(b"nobody\n" + line + b"\n")

    said = trace(base, "--withdrawn", withdrawn)

    assert said.exit_code == 2
    assert "--withdrawn" in said.stderr


def test_a_model_that_cannot_tell_is_never_called_clean(trained, tmp_path):
    base, _, _ = trained
    copy = tmp_path / "old"
    shutil.copytree(base, copy)
    manifest = json.loads((copy / "manifest.json").read_bytes())
    table = copy / "lineage" / f"{manifest['ledger']['sha256']}.parquet"
    withdrawn = tmp_path / "withdrawn.txt"
    withdrawn.write_text("nobody\n")

    content = table.read_bytes()
    table.unlink()
    table.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(LedgerBroken):
        open_ledgers(copy)
    assert trace(copy).exit_code == 1
    table.unlink()
    with pytest.raises(LedgerMissing, match="is gone"):
        open_ledgers(copy)
    assert "is not there" in trace(copy).stdout
    manifest["ledger"] = None
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(LedgerMissing, match="without a ledger"):
        open_ledgers(copy)
    said = trace(copy, "--withdrawn", withdrawn)
    assert said.exit_code == 1
    assert "nobody can tell" in said.stdout


def test_a_table_that_hangs_on_a_checkpoint_is_the_runs_own(trained):
    base, last, _ = trained
    for folder in (base, last):
        record = Manifest.read(folder).ledger
        assert (folder / "lineage" / f"{record.sha256}.parquet").is_file()
        assert record.steps == int(folder.name.removeprefix("step-"))
    assert manifest_sha256(base) in {path.stem for path in (last / "lineage").glob("*.json")}
