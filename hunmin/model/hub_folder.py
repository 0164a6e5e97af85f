"""Exporting a checkpoint: an ordinary Transformers folder, with its card, lineage and GGUF.

A lab step, `(checkpoint, out) -> Manifest`. What comes out is loaded by transformers, vLLM and
SGLang from `model.safetensors`, and by llama.cpp and OpenVINO GenAI from `model.gguf`.
"""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from hunmin.errors import (
    CheckpointBroken,
    EvaluationOfAnother,
    ModelNameWrong,
    VocabularyMismatch,
)
from hunmin.manifest import Kind, Manifest, manifest_sha256, verify_files
from hunmin.model.adapters import ADAPTER_NAME
from hunmin.model.card import NO_LICENSE, card_text
from hunmin.model.card_facts import (
    CardFacts,
    has_canaries,
    measured_checkpoint,
    read_corpora,
    read_evaluation,
    read_memory,
    read_stages,
)
from hunmin.model.checkpoint import CONFIG_NAME, load_checkpoint, save_model
from hunmin.model.expert_names import each_in_files
from hunmin.model.gguf_writer import GgufDescription, Quantization, write_gguf
from hunmin.model.special_tokens import END_OF_TEXT_ID, IM_END_ID, PAD_ID
from hunmin.model.tokenizer import (
    CHAT_TEMPLATE_NAME,
    TOKENIZER_NAME,
    load_tokenizer,
    write_tokenizer_files,
)
from hunmin.model.transformer import Transformer
from hunmin.progress import bar
from hunmin.steps import Step, open_step

GGUF_NAME = "model.gguf"
CARD_NAME = "README.md"
GENERATION_CONFIG_NAME = "generation_config.json"
REPORTS_NAME = "evaluation"
"""The folder with the reports of the evaluation the card tells of, where there was one."""

WeightsType = Literal["as-trained", "float32", "bfloat16"]

_SAMPLING = {"temperature": 0.3, "top_p": 0.9, "repetition_penalty": 1.1}
"""What an answer is drawn with where neither checkpoint nor caller says otherwise."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")


def export(
    checkpoint: Path,
    out: Path,
    *,
    name: str,
    evaluation: Path | None = None,
    exposure: Path | None = None,
    quantization: Quantization = "Q8_0",
    weights: WeightsType = "as-trained",
    license_id: str = NO_LICENSE,
) -> Manifest:
    """Make a model folder from a checkpoint.

    Args:
        checkpoint: A finished checkpoint.
        out: The model folder to be.
        name: The name the model goes by.
        evaluation: An evaluation of this very checkpoint, for the card; its reports come along.
        exposure: What this very checkpoint memorized of its canaries, for the card; its report
            comes along.
        quantization: How the GGUF file stores matrices.
        weights: How `model.safetensors` stores them.
        license_id: The license the maker gives the model, as SPDX writes it.

    Raises:
        ModelNameWrong: The name has characters a name cannot have.
        ManifestBroken: A file of the checkpoint is not as it was written.
        CheckpointBroken: The weights cannot be loaded, or hold what is no number.
        VocabularyMismatch: The checkpoint's tokenizer is not its own.
        EvaluationOfAnother: The evaluation, or exposure, measured another checkpoint.
    """
    check_model_name(name)
    Manifest.read(checkpoint, kind="checkpoint")
    measurements = _measurements(checkpoint, evaluation, exposure)
    recipe = {
        "name": name,
        "quantization": quantization,
        "weights": weights,
        "license": license_id,
    }
    with (
        open_step(
            out,
            kind="model",
            name=name,
            recipe=recipe,
            inputs={"checkpoint": checkpoint, **measurements},
        ) as step,
        bar("Exporting", total=4, unit="parts") as shown,
    ):
        if step.finished is not None:
            return step.finished
        verify_files(checkpoint)
        model = load_checkpoint(checkpoint)
        _check(model, checkpoint)
        for measurement in measurements.values():
            _copy_reports(measurement, step.folder / REPORTS_NAME)
        shown.advance(note="weights")
        card = _write_transformers(step, model, checkpoint, measurements, recipe)
        shown.advance(note="GGUF")
        _write_gguf(step.folder, model, card)
        shown.advance(note="card")
        (step.folder / CARD_NAME).write_text(card_text(card), "utf-8")
        shown.advance(note="")
        return step.finish(facts=_facts(card))


def _measurements(
    checkpoint: Path, evaluation: Path | None, exposure: Path | None
) -> dict[Kind, Path]:
    """Return what was measured of a checkpoint, by kind, if it was this one.

    Raises:
        EvaluationOfAnother: It was another.
    """
    named: dict[Kind, Path | None] = {"evaluation": evaluation, "exposure": exposure}
    given = {kind: folder for kind, folder in named.items() if folder is not None}
    for kind, folder in given.items():
        if measured_checkpoint(folder, kind=kind) != manifest_sha256(checkpoint):
            raise EvaluationOfAnother(evaluation=folder, checkpoint=checkpoint)
    return given


def check_model_name(name: str) -> None:
    """Refuse a name that a model folder, a URL or a hub could not have.

    Raises:
        ModelNameWrong: It has other characters than letters, digits, `.`, `_` and `-`.
    """
    if not _NAME.fullmatch(name):
        raise ModelNameWrong(name=name)


def generation_config(checkpoint: Path) -> dict[str, Any]:
    """Return the generation defaults: the checkpoint's own where it has some, else ours."""
    path = checkpoint / GENERATION_CONFIG_NAME
    own = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return {
        "do_sample": True,
        **_SAMPLING,
        **own,
        "eos_token_id": [IM_END_ID, END_OF_TEXT_ID],
        "pad_token_id": PAD_ID,
    }


def _check(model: Transformer, checkpoint: Path) -> None:
    for name, parameter in model.named_parameters():
        if not torch.isfinite(parameter).all():
            raise CheckpointBroken(folder=checkpoint, reason=f"{name} holds what is no number")
    size = load_tokenizer(checkpoint).get_vocab_size()
    if size != model.config.vocab_size:
        raise VocabularyMismatch(
            folder=checkpoint, model_size=model.config.vocab_size, tokenizer_size=size
        )


def _copy_reports(measurement: Path, folder: Path) -> None:
    """Copy what people and programs read of a measurement; every single answer stays with it."""
    folder.mkdir(exist_ok=True)
    for name in ("report.md", "report.html", "results.json", "exposure.md", "exposure.json"):
        if (measurement / name).is_file():
            shutil.copyfile(measurement / name, folder / name)


def _write_transformers(
    step: Step,
    model: Transformer,
    checkpoint: Path,
    measurements: Mapping[Kind, Path],
    recipe: Mapping[str, Any],
) -> CardFacts:
    """Write what transformers reads; return what the card will tell."""
    trained = json.loads((checkpoint / CONFIG_NAME).read_text("utf-8"))["dtype"]
    dtype = trained if recipe["weights"] == "as-trained" else recipe["weights"]
    save_model(model, step.folder, eos_id=IM_END_ID, pad_id=PAD_ID, dtype=getattr(torch, dtype))
    write_tokenizer_files(
        step.folder,
        (checkpoint / TOKENIZER_NAME).read_bytes(),
        context_tokens=model.config.context_tokens,
    )
    if (checkpoint / ADAPTER_NAME).is_dir():
        shutil.copytree(checkpoint / ADAPTER_NAME, step.folder / ADAPTER_NAME, dirs_exist_ok=True)
    if (checkpoint / CHAT_TEMPLATE_NAME).is_file():
        shutil.copyfile(checkpoint / CHAT_TEMPLATE_NAME, step.folder / CHAT_TEMPLATE_NAME)
    generation = generation_config(checkpoint)
    (step.folder / GENERATION_CONFIG_NAME).write_text(
        json.dumps(generation, indent=2, sort_keys=True) + "\n", "utf-8"
    )
    manifest = Manifest.read(checkpoint)
    evaluation, exposure = measurements.get("evaluation"), measurements.get("exposure")
    return CardFacts(
        name=recipe["name"],
        license=recipe["license"],
        languages=("ko", "en"),
        made_on=manifest.made_at[:10],
        made_by=manifest.made_by,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        weights_dtype=dtype,
        config=json.loads((step.folder / CONFIG_NAME).read_text("utf-8")),
        sampling={key: generation[key] for key in _SAMPLING},
        stages=read_stages(checkpoint),
        corpora=read_corpora(checkpoint),
        evaluation=read_evaluation(evaluation) if evaluation else None,
        has_canaries=has_canaries(checkpoint),
        memory=read_memory(exposure) if exposure else None,
        checkpoint_sha256=manifest_sha256(checkpoint),
        gguf_name=GGUF_NAME,
        quantization=recipe["quantization"],
    )


def _write_gguf(folder: Path, model: Transformer, card: CardFacts) -> None:
    tied = model.config.tied_embeddings
    weights = {
        name: tensor.detach().float().numpy().astype(np.float32, copy=False)
        for name, tensor in each_in_files(model.state_dict()).items()
        if not (tied and name == "lm_head.weight")
    }
    write_gguf(
        folder / GGUF_NAME,
        weights=weights,
        config=card.config,
        tokenizer=json.loads((folder / TOKENIZER_NAME).read_text("utf-8")),
        chat_template=(folder / CHAT_TEMPLATE_NAME).read_text("utf-8"),
        description=GgufDescription(
            name=card.name,
            license=card.license,
            languages=card.languages,
            parameters=card.parameters,
            checkpoint_sha256=card.checkpoint_sha256,
            sampling=card.sampling,
        ),
        quantization=card.quantization,
    )


def _facts(card: CardFacts) -> dict[str, Any]:
    return {
        "parameters": card.parameters,
        "context_tokens": card.config["max_position_embeddings"],
        "vocab_size": card.config["vocab_size"],
        "weights": card.weights_dtype,
        "quantization": card.quantization,
        "license": card.license,
        "chat": card.speaks,
        "training_flop": card.training_flop,
    }
