"""What is measured, for the record: name, hash and size of the model a scorer holds."""

from hunmin.evaluation.results import ModelFacts
from hunmin.evaluation.scoring import Scorer
from hunmin.manifest import Manifest, manifest_sha256


def model_facts(scorer: Scorer) -> ModelFacts:
    """Return the facts of a scorer's model."""
    manifest = Manifest.read(scorer.folder)
    return ModelFacts(
        name=manifest.name,
        kind=manifest.kind,
        manifest_sha256=manifest_sha256(scorer.folder),
        parameters=sum(tensor.numel() for tensor in scorer.model.parameters()),
        context_tokens=scorer.context_tokens,
        vocab_size=scorer.model.config.vocab_size,
    )
