"""Which place a request gets, and what it finds there."""

from hypothesis import given
from hypothesis import strategies as st

from hunmin.inference import Limits
from hunmin.inference.backend import Opening, Request
from hunmin.inference.llama_cpp_backend import open_backend
from hunmin.inference.places import Places
from tests.inference.tiny import CONTEXT_TOKENS

TOKENS = st.lists(st.integers(0, 1), min_size=1, max_size=8)


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", None]), TOKENS, st.integers(0, 8)), max_size=20),
    st.integers(1, 3),
)
def test_a_request_finds_only_what_its_group_left_and_its_prompt_begins_with(asked, count):
    places = Places(count)
    left: dict[int, tuple[str | None, list[int]]] = {}

    for group, prompt, computed in asked:
        place, held = places.take(group, prompt)
        assert 0 <= place < count
        assert held < len(prompt)
        if held:
            owner, tokens = left[place]
            assert group is not None
            assert (owner, tokens[:held]) == (group, prompt[:held])
        left[place] = (group, (prompt * 9)[: held + computed])
        places.give_back(place, *left[place])
        assert places.left == count


@given(TOKENS, st.integers(1, 4))
def test_who_comes_at_once_gets_places_side_by_side(prompt, count):
    places = Places(count)

    assert [places.take("a", prompt) for _ in range(count)] == [(n, 0) for n in range(count)]
    assert places.left == 0


def test_a_long_conversation_is_not_lost_to_a_few_words_that_begin_alike():
    places = Places(2)
    place, _ = places.take("a", [1] * 9)
    places.give_back(place, "a", [1] * 9)

    assert places.take("a", [1, 1, 2, 2]) == (1, 0)
    assert places.take("a", [1] * 6) == (0, 5)


def test_what_was_found_is_told_and_the_rest_of_the_prompt_computed(random_model):
    backend = open_backend(Opening(random_model, {}, 1, CONTEXT_TOKENS, Limits(), "tenant"))
    prompt = list(range(300, 340))

    def cached(number: int, group: str | None, *, scored: bool = False) -> int:
        backend.add(Request(number, prompt, 1, [], 0, cache_group=group, prompt_logprobs=scored))
        [row] = backend.step()
        assert row.finish == "length"
        return row.cached

    assert cached(1, "one") == 0
    assert cached(2, "one") == len(prompt) - 1
    assert cached(3, "one", scored=True) == 0
    assert cached(4, "other") == 0
    assert cached(5, None) == 0
