"""Whether rules that come back to themselves always know by the next character how to go on.

Where they do, an answer can be read in one way only, and following it costs an engine the same at
each token. Where they do not, it may take longer with every token, while all others wait.

Source:
    Lewis and Stearns, "Syntax-Directed Transduction", 1968 (LL(k) grammars, here k = 1).
"""

from collections.abc import Mapping
from itertools import combinations

from hunmin.grammars.automata import State, Work
from hunmin.grammars.characters import Characters, of_ranges, overlap

Machines = Mapping[str, tuple[State, ...]]

_LOOK_STEPS = 5


def undecided(machines: Machines, work: Work) -> str | None:
    """Return a rule whose next character may mean two things, or None where there is none.

    Raises:
        GrammarUnsupported: It takes too long to tell.
    """
    return _Looking(machines, work).undecided()


class _Looking:
    """What can come next at each state of each rule, found by going round until nothing is new."""

    def __init__(self, machines: Machines, work: Work) -> None:
        self._machines = machines
        self._work = work
        self._empty: set[tuple[str, int]] = set()
        """States after which nothing need come, so that a rule may be over."""
        self._first: dict[tuple[str, int], Characters] = {}
        self._after: dict[str, Characters] = dict.fromkeys(machines, ())
        """What can come once a rule is over."""
        while self._go_round():
            pass

    def undecided(self) -> str | None:
        for name, states in self._machines.items():
            if any(self._is_undecided(name, state) for state in states):
                return name
        return None

    def _is_undecided(self, name: str, state: State) -> bool:
        nexts: list[Characters] = [self._after[name]] if state.ends else []
        empties = int(state.ends)
        for symbol, target in state.ways:
            if not isinstance(symbol, str):
                nexts.append(symbol)
                continue
            through = self._through(symbol, (name, target))
            if (symbol, 0) in self._empty and (name, target) in self._empty:
                empties += 1
                through = of_ranges([*through, *self._after[name]])
            nexts.append(through)
        return empties > 1 or any(overlap(one, other) for one, other in combinations(nexts, 2))

    def _through(self, rule: str, then: tuple[str, int]) -> Characters:
        """Return what a rule and then a state can begin with."""
        found = self._first.get((rule, 0), ())
        if (rule, 0) in self._empty:
            found = of_ranges([*found, *self._first.get(then, ())])
        return found

    def _go_round(self) -> bool:
        before = (len(self._empty), dict(self._first), dict(self._after))
        for name, states in self._machines.items():
            for number in reversed(range(len(states))):
                self._look(name, number, states[number])
        return before != (len(self._empty), self._first, self._after)

    def _look(self, name: str, number: int, state: State) -> None:
        self._work.add(_LOOK_STEPS)
        found: list[tuple[int, int]] = []
        here = (name, number)
        if state.ends:
            self._empty.add(here)
        for symbol, target in state.ways:
            if not isinstance(symbol, str):
                found += symbol
                continue
            then = (name, target)
            found += self._through(symbol, then)
            after = [*self._after[symbol], *self._first.get(then, ())]
            if then in self._empty:
                after += self._after[name]
                if (symbol, 0) in self._empty:
                    self._empty.add(here)
            self._after[symbol] = of_ranges(after)
        self._first[here] = of_ranges(found)
