"""Texts to vectors: the request and the reply, as OpenAI's API has them. No decisions, no I/O."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from hunmin.gateway.bodies import Body
from hunmin.gateway.fields import TEXT_CHARACTERS_MAX, Hint, TokenIds, Whole, prompt_tag
from hunmin.gateway.replies import Reply

INPUTS_MAX = 2_048
DIMENSIONS_MAX = 65_536

InputText = Annotated[str, Field(min_length=1, max_length=TEXT_CHARACTERS_MAX)]
Input = Annotated[
    Annotated[InputText, Tag("(text)")]
    | Annotated[list[InputText], Field(min_length=1, max_length=INPUTS_MAX), Tag("(texts)")]
    | Annotated[TokenIds, Tag("(tokens)")]
    | Annotated[list[TokenIds], Field(min_length=1, max_length=INPUTS_MAX), Tag("(token lists)")],
    Discriminator(prompt_tag),
]


class EmbeddingRequest(Body):
    """`POST /v1/embeddings`: texts to vectors."""

    model: Annotated[str, Field(min_length=1, max_length=256)]
    """The `id` of a model in `GET /v1/models`; most models write, and have no vectors."""
    input: Input
    """A text, a list of tokens, or a list of either; each becomes a vector."""
    encoding_format: Literal["float", "base64"] | None = None
    """`base64`: 32-bit numbers, the lowest byte first, which is a quarter of the size."""
    dimensions: Annotated[int, Field(ge=1, le=DIMENSIONS_MAX), Whole] | None = None
    """How many numbers a vector is to have, from a model whose vectors may be cut."""
    user: Hint | None = None
    """Accepted from clients that send it; neither used nor kept."""

    @property
    def inputs(self) -> list[str | list[int]]:
        """Return the texts or lists of tokens."""
        if isinstance(self.input, str):
            return [self.input]
        if isinstance(self.input[0], int):
            return [[token for token in self.input if isinstance(token, int)]]
        return [one for one in self.input if not isinstance(one, int)]


class EmbeddingUsage(Reply):
    """Tokens, as the engine counted them."""

    prompt_tokens: int
    total_tokens: int


class Embedding(Reply):
    """The vector of one text; its length is 1."""

    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class EmbeddingReply(Reply):
    """The vectors of all texts, in their order."""

    object: Literal["list"]
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage
