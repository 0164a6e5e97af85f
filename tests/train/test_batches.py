"""What goes through the model: every token once, and no document sees another."""

import numpy as np
import torch

from hunmin import model
from hunmin.train.batches import make_batch
from hunmin.train.device import Device
from hunmin.train.tokens import prepare

CPU = Device(torch.device("cpu"), bfloat16=False, compiled=False)


def test_documents_apart_are_segments_that_end_with_their_last_token(corpus, tokenizer, tmp_path):
    sequences = prepare(corpus, tokenizer, tmp_path / "t", kind="text", sequence_tokens=200)
    rows = np.arange(6)

    inputs, targets, segments = make_batch(sequences, rows, CPU, documents_apart=True)

    assert segments is not None
    assert (targets >= 0).all()  # no token is dropped
    assert (segments[:, 0] == 0).all()
    ends = (inputs == model.END_OF_TEXT_ID).int()
    assert ends.sum() > 0
    steps = segments[:, 1:] - segments[:, :-1]
    assert torch.equal(steps, ends[:, :-1])
    together = make_batch(sequences, rows, CPU, documents_apart=False)
    assert together[2] is None
    assert torch.equal(together[0], inputs)


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
