"""A model card in Korean and English, from facts. Pure text: no files but its own template.

The front matter is what model hubs read: license, languages, library, tags.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from hunmin.manifest import SourceRecord
from hunmin.model.card_facts import CardFacts

_TEMPLATE_NAME = "card.md.jinja"

NO_LICENSE = "not-stated"
"""What a model is under when its maker has named no license: nothing is granted unasked."""

_HUB_LICENSES = frozenset(
    {
        "apache-2.0",
        "bsd-3-clause",
        "cc-by-4.0",
        "cc-by-nc-4.0",
        "cc-by-nc-sa-4.0",
        "cc-by-sa-3.0",
        "cc-by-sa-4.0",
        "cc0-1.0",
        "gpl-3.0",
        "mit",
        "mpl-2.0",
    }
)
"""Ids hubs know, in lower case; any other license is `other` with its name."""

_STAGE_NAMES = {
    "pretrain": "사전 학습 · pretraining",
    "chat": "대화 학습 · chat fine-tuning",
    "preference": "선호 학습 · direct preference optimization",
    "reinforce": "강화 학습 · reinforcement learning with verifiable rewards",
}

_VERDICTS = {
    "above": "높음 · above",
    "same": "차이 없음 · no different",
    "below": "낮음 · below",
    "unknown": "",
}


def card_text(card: CardFacts) -> str:
    """Return the README of a model, front matter included."""
    scores = card.evaluation.scores if card.evaluation else ()
    text = _template().render(
        card=card,
        hub_license=hub_license(card.license),
        sampling=_sampling(card.sampling),
        stage_names=_STAGE_NAMES,
        verdicts=_VERDICTS,
        unproven=sum(score.verdict in {"same", "below"} for score in scores),
    )
    return re.sub(r"\n{3,}", "\n\n", text).rstrip("\n") + "\n"


def hub_license(license_id: str) -> str:
    """Return the id hubs know a license by, or `other`."""
    lower = license_id.lower()
    return lower if lower in _HUB_LICENSES else "other"


def _sampling(sampling: Mapping[str, Any]) -> str:
    return ", ".join(f"`{name}` {value}" for name, value in sorted(sampling.items()))


def _licenses(source: SourceRecord) -> str:
    """Return the license of a source, or each with its documents where they differ."""
    if len(source.licenses) > 1:
        counts = sorted(source.licenses.items(), key=lambda each: (-each[1], each[0]))
        return ", ".join(f"{license_id} ({count:,})" for license_id, count in counts)
    return next(iter(source.licenses), source.license)


def _cell(value: object) -> str:
    """Return text that cannot end a table cell, begin HTML or leave its line."""
    text = " ".join(str(value).split())
    return re.sub(r"([|\\`*_\[\]])", r"\\\1", text).replace("<", "&lt;")


def _millions(count: float) -> str:
    return f"{count / 1e6:,.1f}"


def _short_millions(count: float) -> str:
    return _millions(count).removesuffix(".0")


def _decimals(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


@cache
def _template() -> Template:
    environment = Environment(  # noqa: S701 (Markdown; cells are escaped by `cell`)
        trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined, keep_trailing_newline=True
    )
    filters: dict[str, Any] = {
        "cell": _cell,
        "decimals": _decimals,
        "licenses": _licenses,
        "megabytes": _millions,
        "millions": _short_millions,
        "whole": "{:,}".format,
        "yaml": json.dumps,
    }
    environment.filters.update(filters)
    return environment.from_string(
        files("hunmin.model").joinpath(_TEMPLATE_NAME).read_text("utf-8")
    )
