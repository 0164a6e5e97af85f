"""Which documents of a corpus are read, and how often."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin.model.corpus_text import Document, balanced_readings

sizes = st.dictionaries(st.sampled_from("가나다라마"), st.integers(1, 10**12), min_size=1)


@given(sizes=sizes, balance=st.floats(0, 1))
def test_a_balance_never_turns_sizes_round_and_leaves_the_largest_alone(sizes, balance):
    times = balanced_readings(sizes, balance=balance).times
    by_size = sorted(sizes, key=sizes.__getitem__)

    assert times[by_size[-1]] == 1.0
    assert all(number >= 1.0 for number in times.values())
    for smaller, larger in pairwise(by_size):
        assert times[smaller] >= times[larger]


@given(sizes=sizes)
def test_no_balance_reads_all_once_and_a_whole_one_all_sources_alike(sizes):
    assert set(balanced_readings(sizes, balance=0).times.values()) == {1.0}
    times = balanced_readings(sizes, balance=1).times
    for source, size in sizes.items():
        assert size * times[source] == pytest.approx(max(sizes.values()), rel=1e-3)


def test_of_a_fraction_that_share_of_the_documents_is_read_once_more():
    readings = balanced_readings({"large": 525, "small": 100}, balance=1)
    documents = [Document(f"d{number}", "", "small") for number in range(2_000)]

    counts = [readings.of(document) for document in documents]

    assert set(counts) == {5, 6}
    assert sum(counts) / len(counts) == pytest.approx(5.25, abs=0.05)
    assert readings.of(Document("d", "", "large")) == 1
    assert readings.of(Document("d", "", "unheard of")) == 1


def test_a_source_without_text_is_left_out_of_the_balance():
    assert balanced_readings({"empty": 0, "full": 10}, balance=1).times == {"full": 1.0}
    assert balanced_readings({}, balance=1).times == {}
