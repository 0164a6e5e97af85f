"""The OpenAI-compatible API, and the one way to an answer: admit, stream, settle.

Nouns: a *request* is what a client asks (`wire`); an *admission* is the record that it was let in,
a *settlement* the record of what it came to; an *answer* is the text on its way. No prompt and no
answer is ever stored here.
"""

from hunmin.gateway.actions import withdraw_lost
from hunmin.gateway.answers import Answer
from hunmin.gateway.embedding_wire import EmbeddingRequest
from hunmin.gateway.exchange import Handler, error_face
from hunmin.gateway.fleet import Fleet
from hunmin.gateway.message_wire import AnyMessage, ChatMessage
from hunmin.gateway.queries import Usage, usage
from hunmin.gateway.retrying import keep_trying
from hunmin.gateway.rules import models_of
from hunmin.gateway.service import Gateway
from hunmin.gateway.surface import API_PATHS, STRAIGHT, router
from hunmin.gateway.whole import WHOLE_ENDPOINTS, Whole, answer_whole, refusal
from hunmin.gateway.wire import ChatRequest, CompletionRequest

__all__ = [
    "API_PATHS",
    "STRAIGHT",
    "WHOLE_ENDPOINTS",
    "Answer",
    "AnyMessage",
    "ChatMessage",
    "ChatRequest",
    "CompletionRequest",
    "EmbeddingRequest",
    "Fleet",
    "Gateway",
    "Handler",
    "Usage",
    "Whole",
    "answer_whole",
    "error_face",
    "keep_trying",
    "models_of",
    "refusal",
    "router",
    "usage",
    "withdraw_lost",
]
