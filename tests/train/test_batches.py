"""What goes through the model: every token once, and no document sees another."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from hunmin import model
from hunmin.train.batches import make_batch, shares
from hunmin.train.device import Device
from hunmin.train.tokens import prepare

CPU = Device(torch.device("cpu"), bfloat16=False, compiled=False)


def test_documents_apart_are_segments_that_end_with_their_last_token(corpus, tokenizer, tmp_path):
    sequences = prepare(corpus, tokenizer, tmp_path / "t", kind="text", sequence_tokens=200)
    rows = np.arange(6)

    batch = make_batch(sequences, rows, CPU, documents_apart=True)
    inputs, targets, segments = batch.ids_BT, batch.targets_BT, batch.segments_BT

    assert segments is not None
    assert batch.learned == 6 * 200
    assert (targets >= 0).all()  # no token is dropped
    assert (segments[:, 0] == 0).all()
    ends = (inputs == model.END_OF_TEXT_ID).int()
    assert ends.sum() > 0
    steps = segments[:, 1:] - segments[:, :-1]
    assert torch.equal(steps, ends[:, :-1])
    together = make_batch(sequences, rows, CPU, documents_apart=False)
    assert together.segments_BT is None
    assert torch.equal(together.ids_BT, inputs)


def test_of_no_sequences_a_batch_is_made_that_teaches_nothing(corpus, tokenizer, tmp_path):
    sequences = prepare(corpus, tokenizer, tmp_path / "t", kind="text", sequence_tokens=200)

    batch = make_batch(sequences, np.empty(0, np.int64), CPU, documents_apart=False)

    assert batch.ids_BT.shape == (1, 200)
    assert batch.learned == 0
    assert (batch.targets_BT == -100).all()


@given(rows=st.integers(1, 70), size=st.integers(1, 9), micro=st.integers(0, 12))
def test_processes_share_the_sequences_of_a_step_evenly_and_in_step(rows, size, micro):
    sequences = np.arange(rows) * 3

    parts = [shares(sequences, rank=rank, size=size, micro=micro) for rank in range(size)]

    taken = np.concatenate([np.concatenate(one) for one in parts])
    assert sorted(taken.tolist()) == sequences.tolist()
    assert len({len(one) for one in parts}) == 1, "they go through the model together"
    lengths = [sum(map(len, one)) for one in parts]
    assert max(lengths) - min(lengths) <= 1
    assert not micro or max(len(part) for one in parts for part in one) <= micro


def test_a_document_reads_the_same_whatever_stands_before_it(shape):
    transformer = model.Transformer(shape)
    transformer.initialize(3)
    first, second = torch.randint(1, 600, (2, 20), generator=torch.Generator().manual_seed(4))
    joined = torch.cat([first, second])[None]
    segments = torch.tensor([[0] * 20 + [1] * 20])

    with torch.no_grad():
        apart = transformer(joined, segments)[0, 20:]
        alone = transformer(second[None])[0]

    torch.testing.assert_close(apart, alone, atol=1e-5, rtol=1e-4)
