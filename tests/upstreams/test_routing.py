"""Which upstream a request goes to: where its beginning was seen, without filling one up."""

import random
from collections import Counter, deque
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from hunmin.plugins import Generation, Message, Sampling
from hunmin.upstreams.routing import Place, choose, key_of

THREE = [Place("a", 0), Place("b", 0), Place("c", 0)]


def asked(*said, tenant="dana", model="m") -> Generation:
    roles = ("user", "assistant")
    turns = tuple(Message(roles[place % 2], text) for place, text in enumerate(said))
    return Generation("r", model, Sampling(max_tokens=1), tenant=tenant, messages=turns)


def test_every_turn_of_a_conversation_has_the_key_of_its_first():
    first = key_of(asked("안녕?"))

    assert key_of(asked("안녕?", "안녕하세요.", "이름은?")) == first
    assert key_of(asked("안녕!", "안녕하세요.", "이름은?")) != first
    assert key_of(asked("안녕?", tenant="eun")) != first
    assert key_of(asked("안녕?", model="other")) != first


def test_a_system_prompt_alone_does_not_bring_everybody_together():
    system = Message("system", "너는 친절하다." * 200)

    def key(text):
        return key_of(replace(asked(text), messages=(system, Message("user", text))))

    assert key("하나") != key("둘")
    assert key("하나") == key("하나")


@given(st.binary(min_size=16, max_size=16))
def test_an_upstream_that_leaves_moves_only_its_own_keys(key):
    chosen = choose(THREE, key).name
    without_c = choose(THREE[:2], key).name

    assert chosen in {without_c, "c"}


@given(st.lists(st.integers(0, 200), min_size=1, max_size=8), st.binary(min_size=16, max_size=16))
def test_no_upstream_gets_more_than_its_share_however_loaded_the_others(loads, key):
    places = [Place(str(number), load) for number, load in enumerate(loads)]

    load = choose(places, key).load

    mean = (sum(loads) + 1) / len(loads)
    assert load + 1 <= 1.25 * mean + 1 or load == min(loads)


def test_of_two_with_the_same_load_the_less_busy_one_takes_what_the_third_cannot():
    key = next(bytes([n]) * 16 for n in range(99) if choose(THREE, bytes([n]) * 16).name == "c")

    chosen = choose([Place("a", 1, 9.0), Place("b", 1, 2.0), Place("c", 30)], key)

    assert chosen.name == "b"


def test_eight_tenants_find_their_prompts_again_and_no_upstream_is_overrun():
    """Engines remember a few prompts; 24 answers are written at a time."""
    dice = random.Random(0)
    remembered = {place.name: deque(maxlen=12) for place in THREE}
    loads: Counter[str] = Counter()
    running: deque[str] = deque()
    hits = again = 0
    seen = set()
    for _ in range(4_000):
        key = key_of(asked(f"질문 {dice.randrange(2)}", tenant=f"t{dice.randrange(8)}"))
        chosen = choose([Place(one.name, loads[one.name]) for one in THREE], key).name
        hits += key in remembered[chosen]
        again += key in seen
        seen.add(key)
        if key in remembered[chosen]:
            remembered[chosen].remove(key)
        remembered[chosen].append(key)
        loads[chosen] += 1
        running.append(chosen)
        if len(running) > 24:
            loads[running.popleft()] -= 1
        assert max(loads.values()) <= 1.25 * sum(loads.values()) / 3 + 1

    assert hits >= 0.9 * again
