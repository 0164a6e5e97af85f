"""The append-only record of who did what, when, to what; and the way from a model to licenses.

Nouns: an *event* is the line an act leaves; its *kind* is `room.noun.verb` from `kinds`; its
*subject* is the id of what it was done to. A *seal* chains an event to the one before it, and the
last seal is the *head*. A *trace* is a tree of manifests from a model back to sources. Events
hold ids and numbers, never anyone's words.
"""

from hunmin.audit.actions import record, seal
from hunmin.audit.append_only import refuse_changes
from hunmin.audit.kinds import KINDS
from hunmin.audit.queries import (
    EventView,
    Head,
    Unsealed,
    Verification,
    list_events,
    read_head,
    read_unsealed,
    verify,
)
from hunmin.audit.rules import is_word
from hunmin.audit.trace import Problem, TraceNode, TraceSource, trace_model

__all__ = [
    "KINDS",
    "EventView",
    "Head",
    "Problem",
    "TraceNode",
    "TraceSource",
    "Unsealed",
    "Verification",
    "is_word",
    "list_events",
    "read_head",
    "read_unsealed",
    "record",
    "refuse_changes",
    "seal",
    "trace_model",
    "verify",
]
