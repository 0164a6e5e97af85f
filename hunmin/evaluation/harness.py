"""Our checkpoints inside lm-evaluation-harness, so that tasks are asked and scored as in the field.

The harness builds the prompts, splits off the answers and computes the metrics; this file gives it
likelihoods and greedy text, keeps it quiet, and takes no step over the network.
"""

import contextlib
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from unittest import mock

from hunmin.errors import TaskBroken
from hunmin.evaluation.scoring import Scorer, Span, windows
from hunmin.evaluation.uncertainty import Aggregate
from hunmin.evaluation.writing import continue_texts
from hunmin.model import END_OF_TEXT_ID, render_chat
from hunmin.progress import bar

for _name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "HF_EVALUATE_OFFLINE"):
    os.environ.setdefault(_name, "1")

import lm_eval  # noqa: E402 (only once the environment says not to look outside)
from lm_eval.api import task as harness_task  # noqa: E402
from lm_eval.api.model import TemplateLM  # noqa: E402

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance
    from lm_eval.api.task import Task

_ANSWER_TOKENS_MAX = 128
"""Tokens written where a task sets no limit."""

FEWSHOT_SEED = 1234
"""The harness's own default."""


class HarnessModel(TemplateLM):
    """One of our checkpoints, as the harness wants it."""

    def __init__(self, scorer: Scorer, *, label: str = "", chat: bool = False) -> None:
        super().__init__()
        self._scorer = scorer
        self._chat = chat
        self.label = label
        """What the progress bar calls the work."""

    @property
    def eot_token_id(self) -> int:
        """The token a text without a context is predicted from."""
        return END_OF_TEXT_ID

    @property
    def tokenizer_name(self) -> str:
        """The name the harness would cache requests by; it caches none here."""
        return self._scorer.folder.name

    def tok_encode(
        self,
        string: str,
        add_special_tokens: bool | None = None,  # noqa: ARG002, FBT001 (the harness's signature)
        **_: object,
    ) -> list[int]:
        """Return tokens; a rendered chat holds special ones, any other text none."""
        return self._scorer.encode(string, rendered=self._chat)

    def apply_chat_template(
        self,
        chat_history: list[dict[str, str]],
        add_generation_prompt: bool = True,  # noqa: FBT001, FBT002 (the harness's signature)
    ) -> str:
        """Return a conversation as the model's own template renders it."""
        return render_chat(
            self._scorer.folder, chat_history, add_generation_prompt=add_generation_prompt
        )

    def loglikelihood(
        self,
        requests: "list[Instance]",
        disable_tqdm: bool = True,  # noqa: FBT001, FBT002 (the harness's signature)
    ) -> list[tuple[float, bool]]:
        """Return, for each context and answer, the answer's log-likelihood and if it is greedy."""
        return super().loglikelihood(requests, disable_tqdm=disable_tqdm)

    def _loglikelihood_tokens(
        self, requests: list[tuple[tuple[str, str], list[int], list[int]]], **_: object
    ) -> list[tuple[float, bool]]:
        spans = [Span((*context, *answer), scored=len(answer)) for _, context, answer in requests]
        with bar(self.label, total=len(spans), unit="answers") as shown:
            scores = self._scorer.score(spans, on_done=shown.advance)
        return [(score.log_probability, score.greedy) for score in scores]

    def loglikelihood_rolling(
        self,
        requests: "list[Instance]",
        disable_tqdm: bool = True,  # noqa: ARG002, FBT001, FBT002 (the harness's signature)
    ) -> list[float]:
        """Return the log-likelihood of whole texts, in windows that do not overlap."""
        owners: list[int] = []
        spans: list[Span] = []
        size = self._scorer.context_tokens
        for owner, request in enumerate(requests):
            tokens = self.tok_encode(request.args[0])
            cut = list(windows(tokens, prefix=END_OF_TEXT_ID, context_tokens=size, stride=size))
            spans += cut
            owners += [owner] * len(cut)
        sums = [0.0] * len(requests)
        with bar(self.label, total=len(spans), unit="windows") as shown:
            scores = self._scorer.score(spans, on_done=shown.advance)
        for owner, score in zip(owners, scores, strict=True):
            sums[owner] += score.log_probability
        return sums

    def generate_until(
        self,
        requests: "list[Instance]",
        disable_tqdm: bool = True,  # noqa: ARG002, FBT001, FBT002 (the harness's signature)
    ) -> list[str]:
        """Return the greedy continuation of each prompt, up to a stop string."""
        prompts = [self.tok_encode(request.args[0]) for request in requests]
        _, settings = cast("tuple[str, Mapping[str, Any]]", requests[0].args)
        if settings.get("do_sample") or settings.get("temperature"):
            raise TaskBroken(task=self.label, reason="it samples; only greedy text is scored")
        until = settings.get("until") or []
        with bar(self.label, total=len(prompts), unit="texts") as shown:
            return continue_texts(
                self._scorer,
                prompts,
                stop=[until] if isinstance(until, str) else list(until),
                max_tokens=int(settings.get("max_gen_toks", _ANSWER_TOKENS_MAX)),
                on_done=shown.advance,
            )


@dataclass(frozen=True, slots=True)
class TaskRun:
    """What the harness made of one task."""

    samples: list[Mapping[str, Any]]
    """One an item: its document, choices, answers and parts of each metric."""
    aggregates: Mapping[str, Aggregate]
    higher_is_better: Mapping[str, bool]
    multiple_choice: bool


def run_task(model: HarnessModel, task: "Task", *, picks: list[int], chat: bool) -> TaskRun:
    """Ask a model the items of a task numbered in `picks`.

    Raises:
        TaskBroken: The task file makes no sense of its data.
    """
    name = task.task_name
    if task.get_config("num_fewshot") is None:
        task.set_config("num_fewshot", 0)
    task.set_fewshot_seed(FEWSHOT_SEED)
    with quiet(), broken_as(name):
        outcome = lm_eval.evaluate(
            lm=model,
            task_dict={"tasks": {name: task}},
            samples={name: sorted(picks)},
            bootstrap_iters=0,
            log_samples=True,
            apply_chat_template=chat,
        )
    assert outcome is not None  # it is on other ranks, and there are none
    return TaskRun(
        samples=outcome["samples"][name],
        aggregates=cast("Mapping[str, Aggregate]", task.aggregation()),
        higher_is_better=cast("Mapping[str, bool]", task.higher_is_better()),
        multiple_choice=task.OUTPUT_TYPE == "multiple_choice",
    )


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the harness from drawing bars of its own and from warning about what is meant."""
    logger = logging.getLogger("lm_eval")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with mock.patch.object(harness_task, "tqdm", _no_bar):
            yield
    finally:
        logger.setLevel(level)


def _no_bar(items: Iterable[Any], **_: object) -> Iterable[Any]:
    return items


@contextlib.contextmanager
def broken_as(task: str) -> Iterator[None]:
    """Turn what a wrong task file raises, inside the harness, into one clear error."""
    from jinja2 import TemplateError  # noqa: PLC0415
    from yaml import YAMLError  # noqa: PLC0415

    wrong = (
        ArithmeticError,
        AttributeError,
        ImportError,
        LookupError,
        SyntaxError,
        TemplateError,
        TypeError,
        ValueError,
        YAMLError,
    )
    try:
        yield
    except wrong as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise TaskBroken(task=task, reason=reason[:300]) from error
