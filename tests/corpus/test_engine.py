"""How work is divided, and that nobody is told of it."""

import errno
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin.corpus.config import CorpusConfig
from hunmin.corpus.engine import map_units, open_daft
from hunmin.corpus.placing import HASH_BITS, copy_order, place, shard_range
from hunmin.corpus.sources import Source
from hunmin.errors import RunnerMissing, SourceMissing

SOURCE = Source(name="s", path="x", license="MIT")


def test_telemetry_is_off_before_daft_and_ray_are_imported():
    code = """
import os, sys
from hunmin.corpus.engine import import_daft
assert "daft" not in sys.modules
import_daft()
from daft.scarf_telemetry import opted_out
assert opted_out()
from ray._common import usage
from ray._common.usage import usage_lib
assert not usage_lib.usage_stats_enabled()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_help_does_not_wait_for_daft():
    code = """
import sys
from hunmin.__main__ import load_command
load_command("corpus")
assert not {"daft", "pyarrow", "ray", "datasets", "torch"} & set(sys.modules), sys.modules.keys()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_a_runner_that_is_not_installed_is_an_error_that_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    with pytest.raises(RunnerMissing, match=r"hunmin\[ray\]"):
        open_daft("ray")


def double(number):
    if number == 13:
        raise SourceMissing(source="thirteen", place="nowhere")
    if number == errno.ENOSPC:
        raise OSError(errno.ENOSPC, "No space left on device")
    return 2 * number


def test_units_come_back_with_what_became_of_them():
    done = dict(map_units(double, [1, 2, 3], runner="local", small=True))

    assert done == {1: 2, 2: 4, 3: 6}


def test_an_error_in_another_process_is_raised_here_as_it_was():
    code = """
import os
os.cpu_count = lambda: 2
import pytest
from hunmin.corpus.engine import map_units
from hunmin.errors import SourceMissing
from tests.corpus.test_engine import double
assert dict(map_units(double, [1, 2, 3], runner="local", small=False)) == {1: 2, 2: 4, 3: 6}
with pytest.raises(SourceMissing, match="thirteen") as error:
    list(map_units(double, [1, 13, 3], runner="local", small=False))
assert error.value.source == "thirteen" and "thirteen" in error.value.ko
with pytest.raises(OSError) as full:
    list(map_units(double, [1, 28, 3], runner="local", small=False))
assert full.value.errno == 28
from hunmin.__main__ import leave
leave(0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


@given(st.integers(1, 5000))
def test_shards_are_about_equal_and_leave_no_place_out(shards):
    ranges = [shard_range(index, shards) for index in range(shards)]

    assert ranges[0][0] == 0
    assert ranges[-1][1] == 2**HASH_BITS - 1
    assert all(b[0] == a[1] + 1 for a, b in pairwise(ranges))
    sizes = [last - first + 1 for first, last in ranges]
    assert max(sizes) - min(sizes) <= 1


@given(st.text(), st.integers(0, 3), st.floats(0.05, 8))
def test_a_documents_place_depends_on_its_id_and_the_seed_alone(doc_id, seed, weight):
    config = CorpusConfig(seed=seed, heldout_share=0.2)
    source = SOURCE.model_copy(update={"weight": weight})

    split, copies, order = place(doc_id, source=source, config=config)

    assert (split, copies, order) == place(doc_id, source=source, config=config)
    assert order == copy_order(doc_id, 0, config=config)
    assert copies == 1 if split == "heldout" else int(weight) <= copies <= int(weight) + 1
    heavier = source.model_copy(update={"weight": weight + 1})
    assert place(doc_id, source=heavier, config=config)[0] == split


def test_shares_come_out_about_as_asked():
    config = CorpusConfig(heldout_share=0.1)
    source = SOURCE.model_copy(update={"weight": 1.25})

    places = [place(f"s:{i}", source=source, config=config) for i in range(4000)]

    splits = Counter(split for split, _, _ in places)
    assert 320 < splits["heldout"] < 480
    copies = [count for split, count, _ in places if split == "text"]
    assert 1.2 < sum(copies) / len(copies) < 1.3
