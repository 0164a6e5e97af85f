"""The whole line in one command: sources to corpus, tokenizer, model, evaluation and export.

This room only calls the rooms of the lab in order. Each step finds its own finished or half-done
work again, so a line that was interrupted goes on where it was.
"""

from hunmin.build.line import Line, build

__all__ = ["Line", "build"]
