"""From an expression to a machine that knows after each character what may come next.

An engine follows such a machine at a steady cost. The expression itself may cost it any time:
`[ab]*a[ab]{30}` would be made into a thousand million states, and `(a+)+` takes longer with every
token, as it may be read in more and more ways. How large a machine may become, and
how long it may be worked on, is limited here.

Source:
    Thompson, "Regular Expression Search Algorithm", 1968; Rabin and Scott, "Finite Automata and
    Their Decision Problems", 1959 (the subset construction).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hunmin.errors import GrammarUnsupported
from hunmin.grammars.characters import Characters, of_ranges, of_text
from hunmin.grammars.expressions import Either, Expression, OneOf, Repeat, Row, Rule, Text

PLACES_MAX = 3_000
"""Places in an expression, its repetitions written out."""
WORK_MAX = 100_000
"""Steps taken for one grammar: less than a tenth of a second."""
DEPTH_MAX = 200
"""Expressions within one another, those of rules included."""

Symbol = Characters | str
"""What leads on: a character of a set, or all that a rule allows."""


@dataclass(frozen=True, slots=True)
class State:
    """What may come next. No character leads to two states."""

    ways: tuple[tuple[Symbol, int], ...]
    ends: bool
    """Whether nothing need come."""


class Work:
    """How much has been done for a grammar."""

    def __init__(self) -> None:
        self.done = 0

    def add(self, steps: int) -> None:
        """Count some steps.

        Raises:
            GrammarUnsupported: They are too many.
        """
        self.done += steps
        if self.done > WORK_MAX:
            raise GrammarUnsupported(fault="too_large")


def machine_of(
    expression: Expression, spread: Mapping[str, Expression], work: Work
) -> tuple[State, ...]:
    """Return the states of an expression, the first of them the beginning.

    Args:
        expression: What is allowed.
        spread: Rules that are put in where they are named; all others stay what leads on.
        work: What was done before.

    Raises:
        GrammarUnsupported: The machine would be too large.
    """
    places = _Places(spread)
    end = places.lay(expression, places.new(), 0)
    begin = places.closed({0}, work)
    numbers = {begin: 0}
    states: list[State] = []
    queue = [begin]
    for here in queue:  # which grows meanwhile
        by_rule: list[tuple[Symbol, int]] = []
        by_character: dict[int, list[tuple[int, int]]] = {}
        for symbol, targets in places.ways_from(here, work):
            there = places.closed(targets, work)
            if there not in numbers:
                numbers[there] = len(numbers)
                queue.append(there)
            if isinstance(symbol, str):
                by_rule.append((symbol, numbers[there]))
            else:
                by_character.setdefault(numbers[there], []).extend(symbol)
        ways = [(of_ranges(ranges), number) for number, ranges in by_character.items()]
        states.append(State((*ways, *by_rule), ends=end in here))
    return tuple(states)


@dataclass
class _Places:
    """The places of an expression, and what leads from one to the next."""

    spread: Mapping[str, Expression]
    on: list[list[tuple[Symbol, int]]] = field(default_factory=list)
    free: list[list[int]] = field(default_factory=list)
    """Places that are reached by nothing at all."""

    def new(self) -> int:
        if len(self.on) == PLACES_MAX:
            raise GrammarUnsupported(fault="too_large")
        self.on.append([])
        self.free.append([])
        return len(self.on) - 1

    def lay(self, expression: Expression, begin: int, depth: int) -> int:
        """Lay out an expression from a place, and return the place where it ends."""
        if depth > DEPTH_MAX:
            raise GrammarUnsupported(fault="too_large")
        match expression:
            case Text(text):
                end = self._steps(begin, map(of_text, text))
            case OneOf(characters):
                end = self._steps(begin, [characters])
            case Rule(name) if name in self.spread:
                end = self.lay(self.spread[name], begin, depth + 1)
            case Rule(name):
                end = self._steps(begin, [name])
            case Row(parts):
                end = begin
                for part in parts:
                    end = self.lay(part, end, depth + 1)
            case Either(choices):
                ends = [self.lay(one, self._from(begin), depth + 1) for one in choices]
                end = self._joined(ends)
            case Repeat(item, least, most):
                end = self._repeat(item, least, most, begin, depth + 1)
        return end

    def _repeat(
        self, item: Expression, least: int, most: int | None, begin: int, depth: int
    ) -> int:
        for _ in range(least):
            begin = self.lay(item, self._from(begin), depth)
        if most is None:
            begin = self._from(begin)
            self.free[self.lay(item, self._from(begin), depth)].append(begin)
            return self._from(begin)
        early = [begin]
        for _ in range(most - least):
            begin = self.lay(item, self._from(begin), depth)
            early.append(begin)
        return self._joined(early)

    def _joined(self, places: Sequence[int]) -> int:
        """Return a new place that is reached from all of some by nothing."""
        end = self.new()
        for one in places:
            self.free[one].append(end)
        return end

    def _from(self, place: int) -> int:
        """Return a new place that is reached from another by nothing."""
        return self._joined([place])

    def _steps(self, place: int, symbols: Iterable[Symbol]) -> int:
        for symbol in symbols:
            end = self.new()
            self.on[place].append((symbol, end))
            place = end
        return place

    def closed(self, places: Iterable[int], work: Work) -> frozenset[int]:
        """Return places with all that are reached from them by nothing."""
        found = set(places)
        queue = list(found)
        for place in queue:  # which grows meanwhile
            for other in self.free[place]:
                if other not in found:
                    found.add(other)
                    queue.append(other)
        work.add(len(queue))
        return frozenset(found)

    def ways_from(
        self, places: frozenset[int], work: Work
    ) -> Iterable[tuple[Symbol, frozenset[int]]]:
        """Give what leads on from some places, each character once, and where to."""
        rules: dict[str, set[int]] = {}
        turns: dict[int, list[tuple[int, int]]] = {}  # where a range begins, and is over
        for place in sorted(places):
            for symbol, target in self.on[place]:
                work.add(len(symbol))
                if isinstance(symbol, str):
                    rules.setdefault(symbol, set()).add(target)
                    continue
                for first, last in symbol:
                    turns.setdefault(first, []).append((target, 1))
                    turns.setdefault(last + 1, []).append((target, -1))
        yield from ((name, frozenset(targets)) for name, targets in rules.items())
        under: dict[int, int] = {}  # where a character leads, by how many ranges
        begin = 0
        grouped: dict[frozenset[int], list[tuple[int, int]]] = {}
        for code in sorted(turns):
            work.add(1 + len(under))
            if under:
                grouped.setdefault(frozenset(under), []).append((begin, code - 1))
            for target, change in turns[code]:
                under[target] = under.get(target, 0) + change
                if not under[target]:
                    del under[target]
            begin = code
        yield from ((of_ranges(ranges), targets) for targets, ranges in grouped.items())
