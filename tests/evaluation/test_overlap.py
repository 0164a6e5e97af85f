"""Test items that the model was trained on are found, and only those."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hunmin.evaluation.overlap import measure_overlap
from hunmin.steps import open_step
from tests.evaluation.conftest import WORDS


def passage(number: int, *, words: int = 30) -> str:
    """Return a passage of words no other passage has."""
    return " ".join(f"{WORDS[i % len(WORDS)]}{number}n{i}" for i in range(words))


@pytest.fixture
def corpus(tmp_path):
    """Return a corpus trained on passages 0 to 5, the last two in a chat and a rejected answer."""
    with open_step(tmp_path / "corpus", kind="corpus", name="corpus", recipe={}) as step:
        (step.folder / "shards").mkdir()
        rows = [
            {"id": f"d{n}", "text": f"앞에 있는 글. {passage(n)} 뒤에 있는 글.", "source": "s"}
            for n in range(4)
        ]
        pq.write_table(pa.Table.from_pylist(rows), step.folder / "shards/text-00000.parquet")
        chat = [{"messages": [{"role": "user", "content": passage(4)}]}]
        pq.write_table(pa.Table.from_pylist(chat), step.folder / "shards/chat-00000.parquet")
        pair = [{"prompt": [], "chosen": "네.", "rejected": passage(5)}]
        pq.write_table(pa.Table.from_pylist(pair), step.folder / "shards/preference-00000.parquet")
        step.finish(facts={"text_bytes": 1000})
    return tmp_path / "corpus"


def test_items_in_documents_chats_and_pairs_are_counted(corpus):
    items = [{"id": f"t{n}", "context": passage(n), "question": "왜?"} for n in range(10)]

    assert measure_overlap(corpus, {"task": items}) == {"task": 0.6}


def test_punctuation_case_and_line_breaks_hide_nothing(corpus):
    hidden = passage(1).upper().replace(" ", ",\n")

    assert measure_overlap(corpus, {"task": [{"context": hidden}]}) == {"task": 1.0}


@pytest.mark.parametrize(("kept", "share"), [(24, 1.0), (14, 0.0)])
def test_half_of_a_text_is_the_border(corpus, kept, share):
    text = " ".join(passage(2).split()[:kept] + passage(9).split()[: 30 - kept])

    assert measure_overlap(corpus, {"task": [{"context": text}]}) == {"task": share}


def test_short_texts_and_ids_prove_nothing(corpus):
    items = [{"id": passage(1), "license": passage(2), "context": passage(3, words=7)}]

    assert measure_overlap(corpus, {"task": items}) == {"task": 0.0}


def test_choices_are_looked_for_too(corpus):
    assert measure_overlap(corpus, {"task": [{"choices": ["짧다", passage(3)]}]}) == {"task": 1.0}


def test_each_task_has_its_own_share(corpus):
    shares = measure_overlap(corpus, {"a": [{"t": passage(1)}], "b": [{"t": passage(8)}]})

    assert shares == {"a": 1.0, "b": 0.0}
