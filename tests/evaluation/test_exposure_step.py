"""What a model memorized, measured on one that was trained on canaries many times over."""

import json
import math
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from hunmin import model, train
from hunmin.corpus import CanaryConfig, make_canaries, read_canaries
from hunmin.corpus.canaries import CANARIES_NAME, SPACE
from hunmin.errors import (
    CanariesOfAnother,
    EvaluationOfAnother,
    ManifestBroken,
    ManifestMissing,
    WrongInput,
)
from hunmin.evaluation import exposure_step, measure_exposure
from hunmin.evaluation.commands import evaluation as commands
from hunmin.evaluation.exposure_results import ExposureResults
from hunmin.manifest import SourceRecord, ancestors, manifest_sha256, verify_files
from hunmin.steps import open_step
from tests.evaluation.conftest import sentence

ALTERNATIVES = 60


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Return a folder with canaries, and a checkpoint that learned two of them 130 times."""
    folder = tmp_path_factory.mktemp("lab")
    with open_step(folder / "corpus", kind="corpus", name="corpus", recipe={}) as step:
        (step.folder / "shards").mkdir()
        rows = [
            {
                "id": f"d{n}",
                "text": f"제{n * 37 % 1000}조 {sentence(n, words=12)}.",
                "source": "verses",
                "license": "CC0-1.0",
            }
            for n in range(300)
        ]
        pq.write_table(pa.Table.from_pylist(rows), step.folder / "shards/text-00000.parquet")
        step.finish(facts={}, sources=[SourceRecord(name="verses", license="CC0-1.0")])
    model.train_tokenizer(folder / "corpus", folder / "tokenizer", vocab_size=640)
    config = CanaryConfig(seed="s", repeats=(30,), canaries_each=2, controls=4)
    make_canaries(config, folder / "canaries")
    train.run(
        train.TrainConfig(
            stage="pretrain",
            steps=60,
            batch_sequences=8,
            sequence_tokens=128,
            learning_rate=1e-2,
            optimizer="muon",
            heldout_sequences=0,
        ),
        model.ModelConfig(
            vocab_size=640,
            context_tokens=128,
            layers=2,
            width=48,
            heads=2,
            key_value_heads=1,
            head_width=24,
            feed_forward_width=96,
        ),
        corpus=folder / "corpus",
        tokenizer=folder / "tokenizer",
        out=folder / "run",
        canaries=folder / "canaries",
        compile_wanted=False,
    )
    return folder


@pytest.fixture(scope="module")
def checkpoint(lab):
    return lab / "run/step-000060"


@pytest.fixture(scope="module")
def measured(lab, checkpoint):
    """Return the folder of the measurement."""
    measure_exposure(checkpoint, lab / "canaries", lab / "exposure", alternatives=ALTERNATIVES)
    return lab / "exposure"


@pytest.fixture(scope="module")
def results(measured):
    return ExposureResults.model_validate_json((measured / "exposure.json").read_bytes())


def test_what_was_learned_often_is_exposed_and_what_was_not_is_at_chance(results):
    control, often = results.groups

    assert (control.repeats, control.learned_mean, control.finding) == (0, 0, "at_chance")
    assert results.chance_low < control.exposure_mean < results.chance_high
    assert often.repeats == 30
    assert often.learned_mean > 100
    assert often.exposure_min > 10
    assert often.finding in {"memorized", "recited"}
    assert often.p_of_chance < 1e-6


def test_a_canary_is_recited_just_where_greedy_writing_gives_its_number(results, checkpoint, lab):
    from hunmin.evaluation.scoring import load_scorer
    from hunmin.evaluation.writing import continue_texts

    scorer = load_scorer(checkpoint)
    canaries = read_canaries(lab / "canaries")
    prompts = [[model.END_OF_TEXT_ID, *scorer.encode(canary.prefix)] for canary in canaries]
    written = continue_texts(scorer, prompts, stop=[], max_tokens=30)

    recited = [text.startswith(c.number) for text, c in zip(written, canaries, strict=True)]
    assert [canary.recited for canary in results.canaries] == recited
    assert any(recited)


def test_the_report_names_its_inputs_and_holds_no_number(measured, results, lab, checkpoint):
    assert verify_files(measured).kind == "exposure"
    named = {record.sha256 for record, _ in ancestors(measured)}
    assert {manifest_sha256(checkpoint), manifest_sha256(lab / "canaries")} <= named
    assert results.space_bits == pytest.approx(math.log2(SPACE))
    report = (measured / "exposure.md").read_text("utf-8")
    everything = report + (measured / "exposure.json").read_text("utf-8")
    for canary in read_canaries(lab / "canaries"):
        assert canary.number not in everything
        assert canary.id in report
    tables = re.findall(r"(?:^\|.*\n)+", report, re.MULTILINE)
    assert len(tables) == 2
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1


def test_an_interrupted_measurement_goes_on_and_ends_in_the_same(
    measured, lab, checkpoint, tmp_path, monkeypatch
):
    asked = []

    def measure():
        measure_exposure(
            checkpoint, lab / "canaries", tmp_path / "again", alternatives=ALTERNATIVES
        )

    def killed(scorer, canary, drawn):
        asked.append(canary.id)
        if len(asked) == 4:
            raise KeyboardInterrupt
        return spans_of(scorer, canary, drawn)

    spans_of = exposure_step._spans
    monkeypatch.setattr(exposure_step, "_spans", killed)
    with pytest.raises(KeyboardInterrupt):
        measure()
    assert not (tmp_path / "again").exists()
    measure()

    assert asked == [
        *(f"canaries:0-{n}" for n in (0, 1, 2, 3, 3)),
        "canaries:30-0",
        "canaries:30-1",
    ]
    for name in ("exposure.json", "exposure.md"):
        assert (tmp_path / "again" / name).read_bytes() == (measured / name).read_bytes()


def test_the_command_tells_each_group_in_a_line(measured, lab, checkpoint):
    words = ["exposure", checkpoint, "--canaries", lab / "canaries", "--out", measured]
    done = CliRunner().invoke(commands, [*map(str, words), "--alternatives", str(ALTERNATIVES)])

    assert done.exit_code == 0
    assert done.stdout == f"{measured / 'exposure.md'}\n"
    control, often = done.stderr.splitlines()
    assert control.startswith("put in 0 times, learned 0.0 times: exposure ")
    assert often.startswith("put in 30 times, learned 1")


def test_canaries_that_are_gone_changed_or_not_its_own_are_refused(lab, checkpoint, tmp_path):
    def refused(error, canaries):
        with pytest.raises(error):
            measure_exposure(checkpoint, canaries, tmp_path / "out", alternatives=ALTERNATIVES)
        assert not (tmp_path / "out").exists()

    refused(ManifestMissing, tmp_path / "nowhere")
    refused(WrongInput, lab / "corpus")
    make_canaries(CanaryConfig(seed="other"), tmp_path / "other")
    refused(CanariesOfAnother, tmp_path / "other")
    (tmp_path / "other" / CANARIES_NAME).unlink()
    refused(ManifestBroken, tmp_path / "other")


def test_too_few_alternatives_are_refused(lab, checkpoint, tmp_path):
    with pytest.raises(ValueError, match="at least 20"):
        measure_exposure(checkpoint, lab / "canaries", tmp_path / "out", alternatives=19)


def test_the_card_tells_what_the_model_memorized(lab, checkpoint, measured, results, tmp_path):
    model.export(checkpoint, tmp_path / "told", name="small", exposure=measured)
    model.export(checkpoint, tmp_path / "untold", name="small")
    told, untold = (
        (tmp_path / name / "README.md").read_text("utf-8") for name in ("told", "untold")
    )

    assert told.count("## 외운 것 · What it memorized") == 1
    for group in results.groups:
        row = f"| {group.repeats} | {group.learned_mean:.1f} | {group.canaries} | "
        assert f"{row}{group.exposure_mean:.2f} | {group.recited} | {group.verdict_ko}" in told
    assert "1.44 bits in the mean" in told
    for name in ("exposure.json", "exposure.md"):
        copied = tmp_path / "told/evaluation" / name
        assert copied.read_bytes() == (measured / name).read_bytes()
    assert "has not been measured yet" in untold
    assert "has not been measured yet" not in told
    for canary in read_canaries(lab / "canaries"):
        assert canary.number not in told


def test_a_model_folder_is_measured_like_its_checkpoint(lab, checkpoint, results, tmp_path):
    model.export(checkpoint, tmp_path / "model", name="small")
    measure_exposure(
        tmp_path / "model", lab / "canaries", tmp_path / "out", alternatives=ALTERNATIVES
    )

    plain = json.loads((tmp_path / "out/exposure.json").read_bytes())
    assert plain["canaries"] == [canary.model_dump() for canary in results.canaries]
    with pytest.raises(EvaluationOfAnother):
        model.export(checkpoint, tmp_path / "other", name="small", exposure=tmp_path / "out")
