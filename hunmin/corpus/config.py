"""Every number that steers the building of a corpus, with its default and its reason."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from hunmin.corpus.language import Language
from hunmin.corpus.quality import QualityConfig

Runner = Literal["local", "ray"]
"""Where the work is done: on this machine, or on a Ray cluster."""


class Limits(BaseModel):
    """What a hostile or damaged file may not exceed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    line_bytes_max: Annotated[int, Field(gt=0)] = 32 * 2**20
    """A longer line is dropped and counted, and never held in memory."""
    text_chars_max: Annotated[int, Field(gt=0)] = 8_000_000
    """A longer text is dropped: it is data, not a document."""
    expansion_ratio_max: Annotated[int, Field(gt=1)] = 250
    """Text shrinks three to twenty times; a file that grows more than this is a bomb."""
    expansion_bytes_min: Annotated[int, Field(gt=0)] = 64 * 2**20
    """Below this size a file is never taken for a bomb."""
    bad_lines_share_max: Annotated[float, Field(gt=0, le=1)] = 0.5
    """More invalid lines than this mean that the file is not what it claims to be."""


class NearDuplicates(BaseModel):
    """MinHash over runs of eojeols (Broder 1997), in bands (Leskovec et al., ch. 3)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    shingle_eojeols: Annotated[int, Field(ge=1, le=32)] = 5
    bands: Annotated[int, Field(ge=1, le=256)] = 16
    rows: Annotated[int, Field(ge=1, le=64)] = 4
    """Two texts with Jaccard 0.7 share one of 16 bands of 4 with probability 0.99."""
    jaccard_min: Annotated[float, Field(gt=0, le=1)] = 0.7
    """A shared band is only a hint: the estimate over all hashes must reach this."""
    eojeols_max: Annotated[int, Field(ge=100)] = 4000
    """Only the beginning of a long text is compared."""


class CorpusConfig(BaseModel):
    """How a corpus is built. Part of the recipe: another value makes another corpus."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 0
    """Steers what is held out, what is drawn and the order."""
    heldout_share: Annotated[float, Field(ge=0, lt=1)] = 0.005
    """Documents set aside by a hash of their id; they are never trained on."""
    preference_heldout_share: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Preference pairs and prompts set aside by a hash of the prompt. More than of text, for there
    are few of them, and each says only yes or no."""
    languages: tuple[Language, ...] = ("ko", "en")
    shard_text_bytes: Annotated[int, Field(gt=0)] = 256 * 2**20
    """About how much text one shard holds."""
    mask_personal_data: bool = True
    limits: Limits = Limits()
    quality: QualityConfig = QualityConfig()
    near_duplicates: NearDuplicates = NearDuplicates()
