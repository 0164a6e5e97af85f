"""Batches: files of requests that programs hand in, and are answered within a day.

Nouns: a *file* is brought by a key and belongs to its project, or to its account where it has
none; a *batch* asks for an answer to each *line* of a file. A line is admitted, answered and
settled like any other request, after those that somebody waits for, and what it came to is kept
in the transaction that settles it: answered once, charged once, wherever a server is killed.
"""

from hunmin.batches.runner import Runner

__all__ = ["Runner"]
