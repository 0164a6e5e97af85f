"""Where documents lie in what they were cut into: exact at every edge."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from hunmin.ledger import DocumentsTable, places_of_text
from hunmin.manifest import file_sha256


@given(lengths=st.lists(st.integers(1, 40), max_size=30), sample_tokens=st.integers(1, 12))
def test_a_document_lies_in_every_sample_that_holds_one_of_its_tokens_and_no_other(
    lengths, sample_tokens
):
    owners = [number for number, length in enumerate(lengths) for _ in range(length)]
    samples = max(0, len(owners) - 1) // sample_tokens
    held = [set(owners[i * sample_tokens : (i + 1) * sample_tokens + 1]) for i in range(samples)]

    first, count = places_of_text(
        np.array(lengths, np.int64), sample_tokens=sample_tokens, samples=samples
    )

    for number in range(len(lengths)):
        lies_in = [i for i in range(samples) if number in held[i]]
        assert list(range(first[number], first[number] + count[number])) == lies_in


def test_the_table_is_sorted_and_the_same_bytes_each_time(tmp_path):
    def write(name):
        table = DocumentsTable()
        for ids, source in ((["b", "a"], "first"), (["c", "a"], "second")):
            rights = {"text": ids, "id": ids, "source": [source] * 2, "license": ["MIT"] * 2}
            table.add(pa.RecordBatch.from_pydict(rights))
        return table.write(
            tmp_path / name,
            first_samples_D=np.array([7, 5, 3, 1]),
            samples_D=np.array([1, 2, 0, 1]),
        )

    assert write("one") == write("two") == file_sha256(tmp_path / "one")
    assert pq.read_table(tmp_path / "one").to_pylist() == [
        {"id": i, "source": s, "license": "MIT", "consent": "", "first_sample": f, "samples": n}
        for i, s, f, n in (
            ("a", "second", 1, 1),
            ("a", "first", 5, 2),
            ("b", "first", 7, 1),
            ("c", "second", 3, 0),
        )
    ]


def test_no_documents_make_an_empty_table(tmp_path):
    nothing = np.empty(0, np.int64)

    DocumentsTable().write(tmp_path / "t", first_samples_D=nothing, samples_D=nothing)

    assert pq.read_table(tmp_path / "t").num_rows == 0
