"""The one kind of error a person or program using Hunmin is meant to see."""

from typing import ClassVar

from hunmin.josa import with_particles


class HunminError(Exception):
    """Something a user can put right. It carries a stable code and says the next step.

    Children set `code` and `status`, take their facts as keyword arguments, and hand one
    sentence or two in English and in Korean to this class; in the Korean, `을(를)` after a fact
    becomes what fits it. Facts worth reading by a program
    become attributes. Prompts, keys and names of people never go into a message.
    """

    code: ClassVar[str] = "hunmin_error"
    status: ClassVar[int] = 400
    """The HTTP status a web shell answers with."""

    def __init__(self, en: str, ko: str) -> None:
        super().__init__(en)
        self.en = en
        self.ko = with_particles(ko)

    @classmethod
    def meaning(cls) -> str:
        """Return what an error of this kind means, in English; `translations/` has the Korean."""
        return " ".join((cls.__doc__ or "").split())

    def message(self, language: str) -> str:
        """Return the sentence in `language` (`"ko"` or `"en"`; anything else is English)."""
        return self.ko if language == "ko" else self.en
