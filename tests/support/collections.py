"""Finished collections made without a sources file."""

from collections.abc import Sequence
from pathlib import Path

from hunmin.retrieval.collection import DATABASE_NAME, Document
from hunmin.retrieval.passages import Passage, cut
from hunmin.retrieval.terms import TERMS_VERSION
from hunmin.retrieval.writing import CollectionWriter
from hunmin.steps import open_step

LAW = """##### 제1조 (목적)

이 법은 주민의 거주관계를 파악하여 행정사무를 적정하게 처리하도록 하는 것을 목적으로 한다.

##### 제16조 (거주지의 이동)

거주지를 이동하면 신거주지에 전입한 날부터 14일 이내에 전입신고를 하여야 한다.

##### 제40조 (과태료)

정당한 사유 없이 신고를 하지 아니한 자에게는 5만원 이하의 과태료를 부과한다."""


def make_collection(out: Path, documents: Sequence[tuple[Document, Sequence[Passage]]]) -> Path:
    """Make a collection of documents and their passages in the folder `out`."""
    with open_step(out, kind="collection", name=out.name, recipe={}) as step:
        with CollectionWriter(step.folder / DATABASE_NAME) as writer:
            for document, passages in documents:
                writer.add(document, passages)
            writer.commit(0, len(documents))
            count = writer.passage_count()
            writer.finish()
        step.finish(
            facts={"terms_version": TERMS_VERSION, "documents": len(documents), "passages": count}
        )
    return out


def make_laws(out: Path, text: str = LAW, *, title: str = "주민등록법") -> Path:
    """Make a collection of one law."""
    law = Document("laws", f"law/{title}", title, "KR-Copyright-Act-Art7")
    return make_collection(out, [(law, cut(title, [(0, text)]))])
