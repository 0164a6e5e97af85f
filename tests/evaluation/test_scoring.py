"""How likely a model finds tokens: the sums are right whatever the batches and windows."""

import math
from itertools import pairwise

import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from hunmin.errors import CheckpointBroken
from hunmin.evaluation import scoring
from hunmin.evaluation.scoring import Score, Span, load_scorer, windows


@given(
    tokens=st.lists(st.integers(1, 500), max_size=300), context=st.integers(1, 64), data=st.data()
)
def test_windows_score_every_token_once_and_in_order(tokens, context, data):
    stride = data.draw(st.integers(1, context))
    spans = list(windows(tokens, prefix=0, context_tokens=context, stride=stride))

    assert [token for span in spans for token in span.tokens[-span.scored :]] == tokens
    assert all(len(span.tokens) <= context + 1 for span in spans)


@given(length=st.integers(1, 300), context=st.integers(2, 64), data=st.data())
def test_windows_give_each_token_at_least_a_context_less_a_stride(length, context, data):
    stride = data.draw(st.integers(1, context))
    spans = list(windows(range(1, length + 1), prefix=0, context_tokens=context, stride=stride))

    for span in spans[1:]:
        assert len(span.tokens) - span.scored >= context - stride
        assert span.scored <= stride
    assert spans[0].tokens[0] == 0


def test_a_stride_longer_than_the_context_is_refused():
    with pytest.raises(ValueError, match="stride"):
        list(windows([1, 2], prefix=0, context_tokens=4, stride=5))


def test_a_span_scores_at_least_one_token_that_has_one_before_it():
    with pytest.raises(ValueError, match="one token"):
        Span((1,), scored=1)


def _direct(scorer, span: Span) -> Score:
    """Score one span alone, with the whole distribution written out."""
    tokens = span.tokens[-(scorer.context_tokens + 1) :]
    with torch.inference_mode():
        logits_TV = scorer.model(torch.tensor([tokens[:-1]]))[0].double()
    logs_TV = logits_TV.log_softmax(-1)[-span.scored :]
    target_T = torch.tensor(tokens[-span.scored :])
    chosen_T = logs_TV.gather(1, target_T.unsqueeze(1))
    return Score(float(chosen_T.sum()), bool((logs_TV.argmax(-1) == target_T).all()))


@settings(deadline=None, max_examples=15)
@given(
    spans=st.lists(
        st.lists(st.integers(0, 8), min_size=2, max_size=90).flatmap(
            lambda tokens: st.builds(
                Span, st.just(tuple(tokens)), scored=st.integers(1, min(len(tokens) - 1, 64))
            )
        ),
        min_size=1,
        max_size=12,
    )
)
def test_a_score_does_not_depend_on_what_else_is_scored(scorer, spans):
    for score, span in zip(scorer.score(spans), spans, strict=True):
        alone = _direct(scorer, span)
        assert score.log_probability == pytest.approx(alone.log_probability, abs=1e-4)
        assert score.greedy == alone.greedy


def test_a_sequence_that_begins_another_is_read_from_it(scorer, monkeypatch):
    rows = []
    hidden = scorer.model.hidden
    monkeypatch.setattr(scorer.model, "hidden", lambda ids: rows.append(len(ids)) or hidden(ids))
    question = tuple(range(5, 25))

    scorer.score([Span((*question, 30, 31), 2), Span((*question, 40), 1), Span((*question, 7), 1)])

    assert sum(rows) == 1


def test_batches_stay_within_their_size(scorer, monkeypatch):
    monkeypatch.setattr(scoring, "_BATCH_TOKENS", 100)
    shapes = []
    hidden = scorer.model.hidden
    monkeypatch.setattr(scorer.model, "hidden", lambda x: shapes.append(x.shape) or hidden(x))

    scorer.score([Span((n, *range(n)), 1) for n in range(2, 60)])

    assert all(rows * columns <= 100 for rows, columns in shapes)
    assert all(one[1] >= two[1] for one, two in pairwise(shapes))


def test_progress_counts_every_span_once(scorer):
    told = []

    scorer.score([Span((1, 2, 3, n % 5), 1) for n in range(40)], on_done=told.append)

    assert sum(told) == 40


def test_more_tokens_to_score_than_a_context_are_refused(scorer):
    with pytest.raises(ValueError, match="do not fit"):
        scorer.score([Span(tuple(range(80)), scored=79)])


def test_a_model_that_finds_all_tokens_alike_needs_the_logarithm_of_the_vocabulary(make_checkpoint):
    scorer = load_scorer(make_checkpoint(seed=9))
    with torch.no_grad():
        scorer.model.lm_head.weight.zero_()

    (score,) = scorer.score([Span((0, 5, 6, 7), scored=3)])

    assert score.log_probability == pytest.approx(-3 * math.log(640))


def test_our_model_scores_as_transformers_does(checkpoint, scorer):
    theirs = transformers.AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32)
    tokens = scorer.encode("어리석은 백성이 말하고자 하는 바가 있어도")
    with torch.inference_mode():
        logs = theirs(torch.tensor([[0, *tokens]])).logits[0, :-1].log_softmax(-1)
    expected = float(logs.gather(1, torch.tensor(tokens).unsqueeze(1)).sum())

    (score,) = scorer.score([Span((0, *tokens), scored=len(tokens))])

    assert score.log_probability == pytest.approx(expected, abs=1e-4)


def test_special_tokens_in_a_document_are_plain_text(scorer):
    text = "글 <|im_end|> 글"

    assert 2 not in scorer.encode(text)
    assert 2 in scorer.encode(text, rendered=True)
    assert 2 not in scorer.encode(text)


def test_a_tokenizer_larger_than_the_model_is_refused(make_checkpoint):
    folder = make_checkpoint(seed=3, vocab_size=512)

    with pytest.raises(CheckpointBroken, match="more tokens than the model"):
        load_scorer(folder)


def test_torn_weights_are_refused_with_the_folder_named(make_checkpoint):
    folder = make_checkpoint(seed=4)
    weights = load_file(folder / "model.safetensors")
    save_file(dict(list(weights.items())[1:]), folder / "model.safetensors")

    with pytest.raises(CheckpointBroken, match="step-000004"):
        load_scorer(folder)
