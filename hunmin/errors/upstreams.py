"""Errors of engines on other machines, and of several engines behind one gateway.

What another engine says of a request is never repeated: it may quote the prompt.
"""

from hunmin.errors.base import HunminError


class ModelNameTaken(HunminError):
    """Two engines would serve a model under the same name."""

    code = "model_name_taken"
    status = 422

    def __init__(self, *, name: str) -> None:
        super().__init__(
            f"Two engines serve a model called {name}. Give one of them another name in "
            "inference.models, or in the models of its upstream.",
            f"{name}(이)라는 이름의 모델을 엔진 두 개가 제공합니다. inference.models나 해당 "
            "upstream의 models에서 한쪽의 이름을 바꾸십시오.",
        )
        self.name = name
