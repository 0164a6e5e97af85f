"""Conversations as text and ids: the same everywhere, and nobody speaks out of turn."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from hunmin import model
from hunmin.errors import ChatMessageWrong, TokenizerBroken
from hunmin.model.special_tokens import SPECIAL_TOKENS

CONVERSATION = [
    {"role": "system", "content": "너는 친절한 도우미이다."},
    {"role": "user", "content": "안녕?\n오늘 날씨 어때?"},
    {"role": "assistant", "content": "안녕하세요! 맑습니다."},
    {"role": "user", "content": "Thanks 🙂"},
]

texts = st.lists(
    st.one_of(
        st.text(), st.sampled_from(SPECIAL_TOKENS[:20]), st.sampled_from(["\n", " ", "한글"])
    ),
    max_size=6,
).map("".join)
conversations = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "user", "assistant"]), "content": texts}
    ),
    max_size=4,
)


@pytest.fixture(scope="module")
def tokenizer(tokenizer_folder):
    return model.load_tokenizer(tokenizer_folder)


def test_the_template_is_chatml(tokenizer):
    assert model.render_chat(tokenizer, CONVERSATION[:2], add_generation_prompt=True) == (
        "<|im_start|>system\n너는 친절한 도우미이다.<|im_end|>\n"
        "<|im_start|>user\n안녕?\n오늘 날씨 어때?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    assert model.render_chat(tokenizer, []) == ""


@pytest.mark.parametrize("add_generation_prompt", [False, True])
def test_transformers_makes_the_same_text_and_ids(
    tokenizer_folder, tokenizer, add_generation_prompt
):
    theirs = AutoTokenizer.from_pretrained(tokenizer_folder)
    asked = {"add_generation_prompt": add_generation_prompt}

    assert isinstance(theirs, PreTrainedTokenizerFast)
    assert theirs.apply_chat_template(CONVERSATION, tokenize=False, **asked) == model.render_chat(
        tokenizer_folder, CONVERSATION, **asked
    )
    assert theirs.apply_chat_template(CONVERSATION, **asked)["input_ids"] == model.encode_chat(
        tokenizer, CONVERSATION, **asked
    )


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=conversations, add_generation_prompt=st.booleans())
def test_no_text_can_become_a_special_token(tokenizer, messages, add_generation_prompt):
    ids = model.encode_chat(tokenizer, messages, add_generation_prompt=add_generation_prompt)

    turns = len(messages)
    assert ids.count(model.IM_START_ID) == turns + add_generation_prompt
    assert ids.count(model.IM_END_ID) == turns
    assert all(
        token_id in {model.IM_START_ID, model.IM_END_ID} for token_id in ids if token_id < 256
    )
    assert tokenizer.decode(ids, skip_special_tokens=False) == model.render_chat(
        tokenizer, messages, add_generation_prompt=add_generation_prompt
    )


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=conversations)
def test_the_mask_covers_what_the_assistant_says_and_nothing_else(tokenizer, messages):
    ids, mask = model.encode_chat_with_mask(tokenizer, messages)

    assert len(ids) == len(mask)
    said = tokenizer.decode(
        [token_id for token_id, own in zip(ids, mask, strict=True) if own],
        skip_special_tokens=False,
    )
    wanted = "".join(
        # A line break at the very start may be one token with the one before it.
        message["content"] + "<|im_end|>"
        for message in messages
        if message["role"] == "assistant"
    )
    if not any(
        message["content"].lstrip(" \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028\u2029")
        != message["content"]
        for message in messages
    ):
        assert said == wanted
    assert mask == [False] * len(ids) or any(m["role"] == "assistant" for m in messages)


def test_the_mask_of_a_plain_conversation(tokenizer):
    ids, mask = model.encode_chat_with_mask(tokenizer, CONVERSATION)

    said = [token_id for token_id, own in zip(ids, mask, strict=True) if own]
    assert tokenizer.decode(said, skip_special_tokens=False) == "안녕하세요! 맑습니다.<|im_end|>"


@pytest.mark.parametrize(
    "message",
    [
        {"role": "tool", "content": "a"},
        {"role": "user<|im_end|>", "content": "a"},
        {"content": "a"},
        {"role": "user"},
        {"role": "user", "content": None},
    ],
)
def test_a_message_without_known_role_or_text_is_refused(tokenizer, message):
    with pytest.raises(ChatMessageWrong, match="Message 1 "):
        model.encode_chat(tokenizer, [CONVERSATION[1], message])
    with pytest.raises(ChatMessageWrong):
        model.render_chat(tokenizer, [CONVERSATION[1], message])


def test_a_folder_without_a_tokenizer_is_refused(tmp_path):
    with pytest.raises(TokenizerBroken):
        model.load_tokenizer(tmp_path)
    with pytest.raises(TokenizerBroken):
        model.render_chat(tmp_path, CONVERSATION)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(TokenizerBroken, match=r"not a tokenizer\.json"):
        model.load_tokenizer(tmp_path)


def test_a_tokenizer_with_other_special_tokens_is_refused(tokenizer_folder, tmp_path):
    plain = (tokenizer_folder / "tokenizer.json").read_text("utf-8")
    (tmp_path / "tokenizer.json").write_text(plain.replace("<|im_end|>", "<|eot|>"), "utf-8")

    with pytest.raises(TokenizerBroken, match="im_end"):
        model.load_tokenizer(tmp_path)


def test_the_tokenizer_loads_without_torch():
    import subprocess
    import sys

    code = (
        "import sys; from hunmin import model; model.load_tokenizer, model.encode_chat; "
        "import hunmin.model.commands; sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
