"""Choices: several answers to one request, read as if they were one.

Each is an `Answer` of its own, with its own admission and settlement; here their pieces are put
into one stream, each with its place among the choices.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from hunmin.errors import HunminError
from hunmin.gateway.answers import Answer
from hunmin.plugins import Delta


class Choices:
    """Reads several answers; has what a reader of one `Answer` uses."""

    def __init__(self, answers: Sequence[Answer], *, to_one_prompt: int) -> None:
        """Take the answers in the order of the choices, so many to each prompt."""
        self.admission_id = answers[0].admission_id
        self.created_at = answers[0].created_at
        self.headers = answers[-1].headers
        self._answers = list(answers)
        self._to_one_prompt = to_one_prompt
        self._open = set(range(len(answers)))
        self._waiting: dict[int, asyncio.Task[list[Delta]]] = {}

    @property
    def last(self) -> Delta:
        """Return the token counts of all answers so far; a prompt counts once."""
        prompts = [answer.last for answer in self._answers[:: self._to_one_prompt]]
        return Delta(
            text="",
            prompt_tokens=sum(last.prompt_tokens for last in prompts),
            completion_tokens=sum(answer.last.completion_tokens for answer in self._answers),
            cached_tokens=sum(last.cached_tokens for last in prompts),
        )

    async def batch(self) -> list[Delta]:
        """Return every piece there is, waiting for one; none at the end.

        Waiting may be canceled and tried again: nothing is lost.

        Raises:
            HunminError: One of the answers failed.
        """
        while self._open:
            for place in self._open - self._waiting.keys():
                self._waiting[place] = asyncio.create_task(self._answers[place].batch())
            await asyncio.wait(self._waiting.values(), return_when=asyncio.FIRST_COMPLETED)
            pieces: list[Delta] = []
            for place in [place for place, task in self._waiting.items() if task.done()]:
                found = self._waiting.pop(place).result()
                pieces += [replace(piece, choice=place) for piece in found]
                if not found:
                    self._open.discard(place)
            if pieces:
                return pieces
        return []

    async def finished(self) -> None:
        """Return when nothing more is written; a wait that is canceled stops nothing."""
        await asyncio.gather(*(answer.finished() for answer in self._answers))

    def stop(self, reason: HunminError | None = None) -> None:
        """Stop writing all of them."""
        for answer in self._answers:
            answer.stop(reason)

    async def aclose(self) -> None:
        """Stop, and return when each is settled."""
        for task in self._waiting.values():
            task.cancel()
        await asyncio.gather(*(answer.aclose() for answer in self._answers))
