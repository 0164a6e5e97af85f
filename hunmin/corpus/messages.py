"""Chats, preference pairs and prompts as one text through all stages: messages as JSON. Pure."""

import json


def chat_text(value: object) -> str | None:
    """Return messages as JSON with nothing but roles and contents, or None where they are not."""
    if not isinstance(value, list):
        return None
    messages = []
    for turn in value:
        if not isinstance(turn, dict) or not isinstance(turn.get("content"), str):
            return None
        messages.append({"role": str(turn.get("role")), "content": turn["content"]})
    return json.dumps(messages, ensure_ascii=False)


def pair_text(prompt: object, chosen: object, rejected: object) -> str | None:
    """Return a preference pair as JSON: the messages of the prompt, then the two answers.

    An answer is a text, or a list of the one message of the assistant.
    """
    return _with_answers(prompt, chosen, rejected)


def prompt_text(prompt: object, answer: object = "") -> str | None:
    """Return a prompt as JSON: its messages, then the answer to compare with, if only empty."""
    return _with_answers(prompt, answer)


def _with_answers(prompt: object, *answers: object) -> str | None:
    asked = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    if not isinstance(asked, list):
        return None
    messages = [*asked]
    for answer in answers:
        said = [{"role": "assistant", "content": answer}] if isinstance(answer, str) else answer
        if not isinstance(said, list) or len(said) != 1:
            return None
        messages += said
    return chat_text(messages)
