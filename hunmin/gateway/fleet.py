"""The fleet: every engine behind one gateway, as one engine. A model that fails touches no other.

Each engine is started and watched by itself. One that could not start, or has given up a model, is
started again after 5 seconds, then after longer, up to 5 minutes.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence

from hunmin import logs
from hunmin.errors import EngineUnavailable, HunminError, ModelNameTaken, ModelNotServed
from hunmin.plugins import Delta, Engine, Generation, ModelCard

log = logs.get(__name__)

AGAIN_SECONDS_MIN = 5.0
AGAIN_SECONDS_MAX = 300.0
"""How long a failed engine rests before it is started again: from, doubled each time, to."""

LOOK_SECONDS = 1.0
"""How often a running engine is asked whether it has given up a model."""


class Fleet:
    """Serves the models of several engines; each request goes to the engine of its model."""

    def __init__(self, engines: Sequence[Engine]) -> None:
        """Take engines that are not yet started.

        Raises:
            ModelNameTaken: Two of them serve a model of the same name.
        """
        names: set[str] = set()
        for card in (card for engine in engines for card in engine.models()):
            if card.id in names:
                raise ModelNameTaken(name=card.id)
            names.add(card.id)
        self._engines = list(engines)
        self._keepers: list[asyncio.Task[None]] = []
        self._tried = 0
        self._failure: HunminError | None = None
        self._news = asyncio.Event()

    async def start(self) -> None:
        """Start every engine; return when one can answer. The others follow.

        Raises:
            HunminError: None could be started. They are tried again all the same.
        """
        if not self._keepers:
            self._keepers = [asyncio.create_task(self._keep(one)) for one in self._engines]
        while not self.healthy() and self._tried < len(self._engines):
            self._news.clear()
            await self._news.wait()
        if not self.healthy() and self._failure is not None:
            raise self._failure

    def models(self) -> Sequence[ModelCard]:
        """Return the models of all engines; of two of the same name, the first engine's."""
        cards: dict[str, ModelCard] = {}
        for engine in self._engines:
            for card in engine.models():
                cards.setdefault(card.id, card)
        return list(cards.values())

    async def count_prompt_tokens(self, generation: Generation) -> int:
        """Return how many tokens the prompt has, chat template included."""
        return await self._engine_of(generation.model).count_prompt_tokens(generation)

    async def encode(self, generation: Generation) -> Sequence[int]:
        """Return the tokens of the prompt, chat template included."""
        return await self._engine_of(generation.model).encode(generation)

    async def decode(self, model: str, tokens: Sequence[int]) -> list[bytes]:
        """Return what each token stands for: bytes of text, or the name of a special token."""
        return await self._engine_of(model).decode(model, tokens)

    def stream(self, generation: Generation) -> AsyncIterator[Delta]:
        """Generate, by the engine of the model. Closing the iterator frees the place.

        Raises:
            ModelNotServed: No engine has such a model.
        """
        return self._engine_of(generation.model).stream(generation)

    def healthy(self, model: str | None = None) -> bool:
        """Return whether a model can take a request now; without a name, whether any can."""
        if model is None:
            return any(engine.healthy() for engine in self._engines)
        return self._engine_of(model).healthy(model)

    async def close(self) -> None:
        """Stop every engine. Safe to call twice."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        await asyncio.gather(*(engine.close() for engine in self._engines))

    def _engine_of(self, model: str) -> Engine:
        for engine in self._engines:
            if any(card.id == model for card in engine.models()):
                return engine
        raise ModelNotServed

    async def _keep(self, engine: Engine) -> None:
        """Keep an engine up: start it, and start it again whenever it has given up a model."""
        pause = AGAIN_SECONDS_MIN
        first = True
        while True:
            failure = await _start(engine)
            if first:
                self._tried += 1
                self._failure = self._failure or failure
                first = False
            self._news.set()
            if failure is None and not _has_given_up(engine):
                pause = AGAIN_SECONDS_MIN
                log.info("engine started", models=[card.id for card in engine.models()])
            while failure is None and not _has_given_up(engine):  # noqa: ASYNC110 (it tells nobody)
                await asyncio.sleep(LOOK_SECONDS)
            await asyncio.sleep(pause)
            pause = min(2 * pause, AGAIN_SECONDS_MAX)


async def _start(engine: Engine) -> HunminError | None:
    """Start an engine; return why it could not be started, or None."""
    models = [card.id for card in engine.models()]
    try:
        await engine.start()
    except HunminError as failure:
        log.exception("engine did not start", models=models, code=failure.code)
        return failure
    except Exception as error:  # whatever an engine raises, the others go on
        log.exception("engine broke", models=models, error=type(error).__name__)
        return EngineUnavailable()
    return None


def _has_given_up(engine: Engine) -> bool:
    return any(card.state == "failed" for card in engine.models())
