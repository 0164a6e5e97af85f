"""lm-evaluation-harness against a live server: what it finds there is what is found here.

It asks a real, small model its tasks through its own clients, `local-completions` and
`local-chat-completions`; `hunmin.evaluation` asks the same model without any server.
"""

import pytest

from hunmin.evaluation.harness import HarnessModel, TaskRun, run_task
from hunmin.evaluation.packs import (
    TaskFile,
    choose_tasks,
    default_data_folder,
    load_task,
    read_pack,
)
from hunmin.evaluation.scoring import load_scorer
from hunmin.inference import transformers
from tests.evaluation.conftest import write_pack
from tests.inference import tiny
from tests.inference.conftest import running

from lm_eval.models.openai_completions import (  # isort: skip (after the adapter set it off-line)
    LocalChatCompletion,
    LocalCompletionsAPI,
)

TOLERANCE = 1e-3


@pytest.fixture
def database_url(sqlite_url):
    """Give one kind of database: nothing here depends on which it is."""
    return sqlite_url


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Give the folder of a model with random weights that reads long texts."""
    return tiny.write_random(tmp_path_factory.mktemp("models") / "tiny", context_tokens=2048)


@pytest.fixture(scope="module")
def loaded(folder, tmp_path_factory):
    """Give a real engine: the one that tells how probable each token of a prompt is."""
    cache = tmp_path_factory.mktemp("cache")
    with running(transformers.open_engine({"tiny": folder}, cache=cache, threads=1)) as engine:
        yield engine


@pytest.fixture
def engine(loaded, monkeypatch):
    """Give it to the server of one test, which is not to end it."""

    async def nothing() -> None:
        pass

    monkeypatch.setattr(loaded, "start", nothing)
    monkeypatch.setattr(loaded, "close", nothing)
    return loaded


@pytest.fixture(scope="module")
def scorer(folder):
    return load_scorer(folder)


@pytest.fixture
def over_http(address, key, monkeypatch):
    """Give a way to make a client of the harness."""
    monkeypatch.setenv("OPENAI_API_KEY", key)
    return lambda kind, path, **more: kind(
        base_url=f"{address}/v1/{path}", model="tiny", auth_token=key, max_retries=1, **more
    )


def shipped(name: str) -> TaskFile:
    """Return a task of the packs that come along, with the items that come along."""
    [file], _ = choose_tasks([name], default_data_folder())
    return file


def likelihoods(run: TaskRun) -> list[tuple[float, bool]]:
    return [tuple(one) for sample in run.samples for (one,) in sample["resps"]]


@pytest.mark.parametrize(("task", "items"), [("kobest_copa", 8), ("kobest_boolq", 6)])
def test_likelihoods_and_accuracy_are_those_found_here(over_http, scorer, task, items):
    file, picks = shipped(task), list(range(items))
    client = over_http(LocalCompletionsAPI, "completions", batch_size=4)

    there = run_task(client, load_task(file), picks=picks, chat=False)
    here = run_task(HarnessModel(scorer, label=task), load_task(file), picks=picks, chat=False)

    assert client.tokenizer_backend == "remote"
    assert len(likelihoods(there)) == 2 * items
    for (found, greedy), (expected, expected_greedy) in zip(
        likelihoods(there), likelihoods(here), strict=True
    ):
        assert found == pytest.approx(expected, abs=TOLERANCE)
        assert greedy == expected_greedy
    assert [one["acc"] for one in there.samples] == [one["acc"] for one in here.samples]


@pytest.mark.parametrize(
    ("kind", "path", "chat"),
    [(LocalCompletionsAPI, "completions", False), (LocalChatCompletion, "chat/completions", True)],
)
def test_what_is_written_is_what_is_written_here(over_http, scorer, tmp_path, kind, path, chat):
    (file,) = read_pack(write_pack(tmp_path / "pack", "writing", items=6), None)
    picks = list(range(6))

    there = run_task(over_http(kind, path), load_task(file), picks=picks, chat=chat)
    ours = HarnessModel(scorer, label="writing", chat=chat)
    here = run_task(ours, load_task(file), picks=picks, chat=chat)

    written = [sample["resps"] for sample in there.samples]
    assert written == [sample["resps"] for sample in here.samples]
    assert any(text for ((text,),) in written)
