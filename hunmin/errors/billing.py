"""Errors of billing: limits that make no sense."""

from hunmin.errors.base import HunminError


class LimitUnfit(HunminError):
    """A limit is no number that a limit can be."""

    code = "limit_unfit"
    status = 422

    def __init__(self, *, limit_max: int) -> None:
        super().__init__(
            f"A limit is a whole number from 1 to {limit_max}. Correct it, or leave it empty "
            "where there is to be none.",
            f"한도는 1부터 {limit_max}까지의 정수입니다. 고치거나, 한도가 없어야 하면 비우십시오.",
        )
