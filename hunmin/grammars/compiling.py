"""From what a client wrote to a grammar of ours: checked, made decidable, and written anew.

Nothing of a client's own words reaches an engine: a grammar it could not read would end every
answer under way, and one that is hard to follow would hold all of them up.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby

from hunmin.errors import GrammarUnsupported
from hunmin.grammars import ebnf, regexes
from hunmin.grammars.automata import State, Symbol, Work, machine_of
from hunmin.grammars.characters import as_class, literal, of_text, single
from hunmin.grammars.deciding import Machines, undecided
from hunmin.grammars.expressions import Either, Expression, Repeat, Row, Rule, rules_in
from hunmin.grammars.reader import LENGTH_MAX

RULES_MAX = 500
"""Rules of a grammar that is written. An engine prepares each before it writes a token: with 500
that is about a second."""
CHARACTERS_MAX = 50_000
"""Characters of a grammar: reading it takes an engine less than a second."""

_ROOT = "root"


def of_choices(choices: Sequence[str]) -> str:
    """Return the grammar of an answer that is one of some texts.

    Raises:
        GrammarUnsupported: They are too long, or have characters that no answer has.
    """
    if sum(map(len, choices)) > LENGTH_MAX:
        raise GrammarUnsupported(fault="too_large")
    if not all(map(of_text, set().union(*choices))):
        raise GrammarUnsupported(fault="unreadable")
    return f"root ::= {' | '.join(map(literal, dict.fromkeys(choices)))}\n"


def of_regex(pattern: str) -> str:
    """Return the grammar of a regular expression that the whole answer matches.

    Raises:
        GrammarUnsupported: It cannot be read or kept to.
    """
    return _written({_ROOT: machine_of(regexes.read(pattern), {}, Work())})


def of_ebnf(text: str) -> str:
    """Return the grammar that a client wrote, as one that an engine follows at a steady cost.

    Raises:
        GrammarUnsupported: It cannot be read or kept to.
    """
    read = ebnf.read(text)
    rules = {name: expression for name, (expression, _) in read.items()}
    if _ROOT not in rules:
        raise GrammarUnsupported(fault="no_root")
    for rule in (one for expression in rules.values() for one in rules_in(expression)):
        if rule.name not in rules:
            raise GrammarUnsupported(fault="rule_unknown", place=rule.place)
    uses = {name: {rule.name for rule in rules_in(rules[name])} for name in rules}
    needed = _reached(uses, _ROOT) | {_ROOT}
    ending = _ending(rules)
    for name in (one for one in rules if one in needed - ending):
        raise GrammarUnsupported(fault="rule_endless", place=read[name][1])
    again = [name for name in rules if name in needed and name in _reached(uses, name)]
    spread = {name: rules[name] for name in needed if name not in again}
    work = Work()
    machines = {
        name: machine_of(rules[name], spread, work) for name in dict.fromkeys([_ROOT, *again])
    }
    if sum(map(len, machines.values())) > RULES_MAX:
        raise GrammarUnsupported(fault="too_large")
    if (name := undecided(machines, work)) is not None:
        raise GrammarUnsupported(fault="rule_undecided", place=read[name][1])
    return _written(machines)


def _reached(uses: Mapping[str, set[str]], name: str) -> set[str]:
    """Return all rules that a rule comes down to; itself only where it comes back to it."""
    found: set[str] = set()
    queue = [name]
    for one in queue:  # which grows meanwhile
        new = uses[one] - found
        found |= new
        queue += new
    return found


def _ending(rules: Mapping[str, Expression]) -> set[str]:
    """Return the rules of which a text can be written to its end."""
    found: set[str] = set()
    while new := {name for name in rules.keys() - found if _ends(rules[name], found)}:
        found |= new
    return found


def _ends(expression: Expression, ending: set[str]) -> bool:
    match expression:
        case Rule(name):
            return name in ending
        case Row(parts):
            return all(_ends(part, ending) for part in parts)
        case Either(choices):
            return any(_ends(one, ending) for one in choices)
        case Repeat(item, least):
            return least == 0 or _ends(item, ending)
        case _:
            return True


def _written(machines: Machines) -> str:
    """Write machines as a grammar: a rule is a state, or several that nothing else leads to."""
    names = {
        (rule, number): f"s{place}"
        for place, (rule, number) in enumerate(
            (rule, number) for rule, states in machines.items() for number in range(len(states))
        )
    } | {(_ROOT, 0): _ROOT}
    queue = dict.fromkeys((rule, 0) for rule in machines)
    lines: list[str] = []
    for rule, number in (todo := list(queue)):  # which grows meanwhile
        writer = _Writer(rule, machines[rule], names)
        lines.append(f"{names[rule, number]} ::= {writer.rule(number)}\n")
        for state in writer.spoken_of:
            if (rule, state) not in queue:
                queue[rule, state] = None
                todo.append((rule, state))
    written = "".join(lines)
    if len(lines) > RULES_MAX or len(written) > CHARACTERS_MAX:
        raise GrammarUnsupported(fault="too_large")
    return written


class _Writer:
    """Writes the states of one machine as rules."""

    def __init__(
        self, rule: str, states: tuple[State, ...], names: Mapping[tuple[str, int], str]
    ) -> None:
        self._rule = rule
        self._states = states
        self._names = names
        self._led_to = Counter(target for state in states for _, target in state.ways)
        self.spoken_of: list[int] = []
        """States that need a rule of their own."""

    def rule(self, number: int) -> str:
        state = self._states[number]
        ways = [self._way(symbol, target) for symbol, target in state.ways]
        return " | ".join([*ways, '""'] if state.ends else ways)

    def _way(self, symbol: Symbol, target: int) -> str:
        """Write what leads on, and all that comes after it with no choice between."""
        row = [symbol]
        while self._leads_on(target):
            [(symbol, target)] = self._states[target].ways
            row.append(symbol)
        words: list[str] = []
        for are_letters, some in groupby(row, key=_is_letter):
            if are_letters:
                words.append(literal("".join(filter(None, map(_letter, some)))))
            else:
                words += [self._named(one) for one in some]
        if self._states[target].ways:
            self.spoken_of.append(target)
            words.append(self._names[self._rule, target])
        return " ".join(words)

    def _leads_on(self, number: int) -> bool:
        state = self._states[number]
        alone = self._led_to[number] == 1 and number > 0
        return alone and len(state.ways) == 1 and not state.ends

    def _named(self, symbol: Symbol) -> str:
        return self._names[symbol, 0] if isinstance(symbol, str) else as_class(symbol)


def _letter(symbol: Symbol) -> str | None:
    """Return the one character that leads on, or None where it is another or a rule."""
    return None if isinstance(symbol, str) else single(symbol)


def _is_letter(symbol: Symbol) -> bool:
    return _letter(symbol) is not None
