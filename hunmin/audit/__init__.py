"""The append-only record of who did what, when, to what.

Nouns: an *event* is the line an act leaves; its *kind* is `room.noun.verb` from `kinds.py`; its
*subject* is the id of what it was done to. Events hold ids and numbers, never anyone's words.
"""

from hunmin.audit.actions import record

__all__ = ["record"]
