"""How often the article that answers a question is found, by words, by vectors, and by both.

    python benchmarks/statute_search.py [--statutes FILE] [--questions FILE] [--laws N]
        [--asked N] [--morphemes] [--vectors MODEL_FOLDER] [--json FILE]

The questions are made by rule from articles (`samples/korean/chat/statute-qa.jsonl.zst`): they name
the law, and the article by its number or its title. Articles of laws that are not among the
statutes are added to them, so every question has its answer. An article counts as found among five
when a passage of it is among the passages of the first five articles.

Ours is what `hunmin documents search` does: articles that are cited come first, then words, those
of headings eightfold. Beside it stand words alone, and what was tried and left out: morphemes by
Kiwi as terms; and vectors by latent semantic analysis of the collection itself (tf-idf, truncated
SVD, 256 dimensions; Deerwester et al., 1990), alone and fused with words by reciprocal ranks
(Cormack et al., 2009).

`--vectors` tries a model folder as the maker of a collection's vectors: the mean of its last layer,
as Hunmin serves such folders, alone and as `Collection.search` joins it with words.
"""

import argparse
import collections
import hashlib
import io
import json
import math
import random
import re
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
import zstandard
from scipy.sparse.linalg import svds

from hunmin.indexing import index
from hunmin.retrieval import Collection, vectors
from hunmin.retrieval.collection import DATABASE_NAME
from hunmin.retrieval.ranking import HEADING_WEIGHT
from hunmin.retrieval.terms import ARTICLE, terms

SAMPLES = Path(__file__).parents[1] / "samples" / "korean"
KEPT_TAGS = ("N", "V", "XR", "MAG", "SL", "SN", "SH")
"""Of Kiwi's morphemes: nouns, verbs, roots, adverbs, foreign words, numbers, Hanja."""
DIMENSIONS = 256
BASIS_PASSAGES_MAX = 10_000
TERMS_MAX = 150_000
SHARE_MAX = 0.2
"""Of the passages: a term that more of them have tells none from another."""
DEPTH = 50
"""Passages taken from each order before they are fused, or counted."""

Order = Callable[[int], list[int]]
"""From the number of a question to passages, the best first."""


@dataclass
class Question:
    """What is asked, and the article that answers it."""

    text: str
    law: str
    article: str
    kind: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--statutes", type=Path, default=SAMPLES / "text" / "kr-statutes.jsonl.zst")
    parser.add_argument("--questions", type=Path, default=SAMPLES / "chat" / "statute-qa.jsonl.zst")
    parser.add_argument("--laws", type=int, help="Only so many statutes, drawn by a hash.")
    parser.add_argument("--asked", type=int, default=500, help="Questions, drawn by lot.")
    parser.add_argument("--ours", action="store_true", help="Try nothing beside it.")
    parser.add_argument("--morphemes", action="store_true", help="Try Kiwi, which is slow.")
    parser.add_argument("--vectors", type=Path, help="Try this model folder's vectors.")
    parser.add_argument("--json", type=Path, help="Append the results to this file, too.")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = measure(Path(folder), arguments)
    if arguments.json:
        with arguments.json.open("a") as stream:
            stream.write(json.dumps(results, ensure_ascii=False) + "\n")


def measure(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    rows = list(read_rows(arguments.questions))
    everything = [question_of(row) for row in rows]
    statutes = chosen(read_rows(arguments.statutes), arguments.laws)
    collection, seconds = made(folder, statutes, rows, everything)
    asked = random.Random(0).sample(everything, min(arguments.asked, len(everything)))  # noqa: S311 (a lot)
    passages = read_passages(collection)
    articles = [article_of(citation) for _, citation, _, _ in passages]
    print(
        f"{collection.manifest.facts['documents']} laws, {len(passages)} passages, indexed in "
        f"{seconds:.0f} s of processor time; {len(asked)} questions"
    )
    kinds = [] if arguments.ours else ["words", *["morphemes"] * arguments.morphemes]
    orders = all_orders(collection, passages, asked, kinds)
    if arguments.vectors:
        orders |= by_model(arguments.vectors, collection, passages, asked)
    results: dict[str, Any] = {"passages": len(passages), "asked": len(asked), "found": {}}
    for name, order in orders.items():
        started = time.process_time()
        found = scored(order, asked, articles)
        found["ms"] = 1e3 * (time.process_time() - started) / len(asked)
        results["found"][name] = found
        told = ", ".join(f"{what} {value:.3f}" for what, value in found.items())
        print(f"{name:28} {told}", flush=True)
    return results


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as stream:
        for line in io.TextIOWrapper(stream, encoding="utf-8"):
            yield json.loads(line)


def question_of(row: dict[str, Any]) -> Question:
    """Return a question; where it is the second of a conversation, the first stands before it."""
    said = row["messages"]
    text = " ".join(each["content"] for each in said if each["role"] == "user")
    law = re.search(r"「([^」]+)」", " ".join(each["content"] for each in said))
    assert law is not None
    if len(said) > 2:  # noqa: PLR2004 (a question and its answer)
        kind = "number, after another question"
    elif "내용을 알려" in text:
        kind = "number and title"
    else:
        kind = "title" if '"' in text else "number"
    return Question(text, law.group(1), row["id"].rsplit("/", 1)[1], kind)


def chosen(rows: Iterator[dict[str, Any]], count: int | None) -> list[dict[str, Any]]:
    listed = sorted(rows, key=lambda row: hashlib.sha256(row["id"].encode()).digest())
    return listed[:count]


def made(
    folder: Path,
    statutes: Sequence[dict[str, Any]],
    rows: Sequence[dict[str, Any]],
    questions: Sequence[Question],
) -> tuple[Collection, float]:
    """Make a collection of the statutes and of what the questions ask for besides."""
    there = {row["text"].split("\n", 1)[0].lstrip("# ").strip() for row in statutes}
    added: dict[str, dict[str, str]] = collections.defaultdict(dict)
    for row, question in zip(rows, questions, strict=True):
        if question.law not in there:
            answer = row["messages"][-1]["content"]
            title = re.search(r'제목은 "([^"]*)"|은 "([^"]*)"에 관한|\(([^)]*)\)의 내용', answer)
            asked = re.search(r'"([^"]*)"에 관해', question.text)
            named = (
                next(filter(None, [*(title or asked or [""]).groups()]), "")
                if title or asked
                else ""
            )
            text = answer.split("\n\n", 1)[1]
            added[question.law][question.article] = f"##### {question.article} ({named})\n\n{text}"
    lines = [
        json.dumps({"id": row["id"], "text": row["text"]}, ensure_ascii=False) for row in statutes
    ]
    lines += [
        json.dumps(
            {"id": law, "text": "\n\n".join([f"# {law}", *articles.values()])}, ensure_ascii=False
        )
        for law, articles in added.items()
    ]
    (folder / "laws.jsonl").write_text("\n".join(lines), "utf-8")
    (folder / "sources.toml").write_text(
        '[[source]]\nname = "laws"\npath = "laws.jsonl"\nlicense = "KR-Copyright-Act-Art7"\n'
    )
    started = time.process_time()
    index(folder / "sources.toml", folder / "laws")
    return Collection(folder / "laws"), time.process_time() - started


def read_passages(collection: Collection) -> list[tuple[str, str, str, str]]:
    """Return key, citation, heading and text of every passage, in the order of their numbers."""
    with sqlite3.connect(collection.folder / DATABASE_NAME) as database:
        return database.execute(
            "SELECT key, citation, heading, text FROM passages ORDER BY number"
        ).fetchall()


def article_of(citation: str) -> tuple[str, str]:
    """Return law and article; an article of the addenda is one of its own."""
    law, _, place = citation.removeprefix("「").partition("」 ")
    article = ARTICLE.match(place)
    return law, article.group() if article else place


def all_orders(
    collection: Collection,
    passages: Sequence[tuple[str, str, str, str]],
    asked: Sequence[Question],
    kinds: Sequence[str],
) -> dict[str, Order]:
    """Return every way of finding that is measured: ours, and others for each kind of terms."""
    numbers = {key: number for number, (key, _, _, _) in enumerate(passages)}

    def ours(question: int) -> list[int]:
        found = collection.search(asked[question].text, count=DEPTH)
        return [numbers[each.key] for each in found]

    orders: dict[str, Order] = {"ours": ours}
    for name in kinds:
        split = by_kiwi if name == "morphemes" else by_terms
        heads = split([f"{citation} {heading}" for _, citation, heading, _ in passages])
        bodies = split([text for _, _, _, text in passages])
        held = [(" ".join(head), " ".join(body)) for head, body in zip(heads, bodies, strict=True)]
        questions = list(split([question.text for question in asked]))
        eightfold = by_words(held, questions, weight=HEADING_WEIGHT)
        latent = by_vectors(held, questions)
        orders |= {
            f"{name}, heading as text": by_words(held, questions, weight=1.0),
            f"{name}, heading eightfold": eightfold,
            f"{name}, vectors": latent,
            f"{name}, both": fused(eightfold, latent),
        }
    return orders


def by_terms(texts: Sequence[str]) -> Iterator[list[str]]:
    return map(terms, texts)


def by_kiwi(texts: Sequence[str]) -> Iterator[list[str]]:
    from kiwipiepy import Kiwi

    for text, found in zip(texts, Kiwi(num_workers=1).tokenize(iter(texts)), strict=True):
        kept = (each.form.lower() for each in found if each.tag.startswith(KEPT_TAGS))
        yield [*ARTICLE.findall(text), *kept]


def by_words(
    held: Sequence[tuple[str, str]], questions: Sequence[Sequence[str]], *, weight: float
) -> Order:
    """Return the order of SQLite's BM25 over these terms."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE VIRTUAL TABLE w USING fts5 (h, t, content='', tokenize='ascii')")
    rows = ((number, *each) for number, each in enumerate(held))
    database.executemany("INSERT INTO w (rowid, h, t) VALUES (?, ?, ?)", rows)

    def order(question: int) -> list[int]:
        expression = " OR ".join(f'"{term}"' for term in dict.fromkeys(questions[question]))
        found = database.execute(
            "SELECT rowid FROM w WHERE w MATCH ? ORDER BY bm25(w, ?, 1.0) LIMIT ?",
            (expression, weight, DEPTH),
        )
        return [row[0] for row in found]

    return order


def by_vectors(held: Sequence[tuple[str, str]], questions: Sequence[Sequence[str]]) -> Order:
    """Return the order of cosines after latent semantic analysis of the passages."""
    counts: collections.Counter[str] = collections.Counter()
    for head, body in held:
        counts.update(set(f"{head} {body}".split()))
    common = counts.most_common(TERMS_MAX)
    kept = sorted(term for term, count in common if 1 < count <= SHARE_MAX * len(held))
    rarity = {term: math.log(len(held) / counts[term]) for term in kept}
    columns = {term: column for column, term in enumerate(kept)}

    def matrix(texts: Iterator[Sequence[str]]) -> sp.csr_matrix:
        values, places, starts = [], [], [0]
        for text in texts:
            held_terms = collections.Counter(term for term in text if term in columns)
            weights = [(1 + math.log(n)) * rarity[term] for term, n in held_terms.items()]
            length = math.hypot(*weights) or 1.0
            values.append(np.array(weights, np.float32) / length)
            places.append(np.array([columns[term] for term in held_terms], np.int32))
            starts.append(starts[-1] + len(weights))
        return sp.csr_matrix(
            (np.concatenate(values), np.concatenate(places), starts),
            shape=(len(starts) - 1, len(columns)),
        )

    whole = matrix(f"{head} {body}".split() for head, body in held)
    drawn = np.random.default_rng(0).permutation(len(held))[:BASIS_PASSAGES_MAX]
    _, _, basis = svds(whole[drawn], k=DIMENSIONS, random_state=0)
    latent = whole @ basis.T.astype(np.float32)
    latent /= np.linalg.norm(latent, axis=1, keepdims=True) + 1e-9
    asked = matrix(iter(questions)) @ basis.T.astype(np.float32)
    return lambda question: np.argsort(-(latent @ asked[question]))[:DEPTH].tolist()


def by_model(
    model: Path,
    collection: Collection,
    passages: Sequence[tuple[str, str, str, str]],
    asked: Sequence[Question],
) -> dict[str, Order]:
    """Return the orders by a model's vectors, alone and with words, as a collection has them."""
    texts = ["\n".join(filter(None, passage[1:])) for passage in passages]
    path = collection.folder / vectors.VECTORS_NAME
    made = means(model, texts)
    made.astype(np.float16).tofile(path)
    collection.manifest.facts["vectors"] = {"model": model.name, "dimensions": made.shape[1]}
    questions = means(model, [question.text for question in asked])
    numbers = {key: number for number, (key, _, _, _) in enumerate(passages)}

    def alone(question: int) -> list[int]:
        near = vectors.nearest(path, questions[question].tolist(), count=DEPTH)
        return [number - 1 for number in near]

    def both(question: int) -> list[int]:
        vector = questions[question].tolist()
        found = collection.search(asked[question].text, count=DEPTH, vector=vector)
        return [numbers[each.key] for each in found]

    return {f"vectors of {model.name}": alone, f"ours, and vectors of {model.name}": both}


def means(model: Path, texts: Sequence[str]) -> np.ndarray:
    """Return the mean of a model's last layer over each text, of length 1."""
    import torch
    import transformers

    read = transformers.AutoTokenizer.from_pretrained(model, local_files_only=True)
    body = transformers.AutoModel.from_pretrained(
        model, dtype=torch.float32, local_files_only=True
    ).eval()
    most = body.config.max_position_embeddings
    made = []
    with torch.inference_mode():
        for text in texts:
            tokens = read(text, return_tensors="pt", truncation=True, max_length=most).input_ids
            made.append(body(input_ids=tokens).last_hidden_state[0].mean(dim=0))
        return torch.nn.functional.normalize(torch.stack(made), dim=-1).numpy()


def fused(first: Order, second: Order) -> Order:
    """Return the order by the sum of reciprocal ranks, with the usual constant of 60."""

    def order(question: int) -> list[int]:
        scores: collections.Counter[int] = collections.Counter()
        for each in (first, second):
            for rank, passage in enumerate(each(question), start=1):
                scores[passage] += 1 / (60 + rank)  # a Counter adds whatever can be added
        return [passage for passage, _ in scores.most_common(DEPTH)]

    return order


def scored(
    order: Order, asked: Sequence[Question], articles: Sequence[tuple[str, str]]
) -> dict[str, float]:
    """Return the share of questions whose article is first, or among five, and by kind."""
    places: list[int] = []
    for number, question in enumerate(asked):
        listed = list(dict.fromkeys(articles[passage] for passage in order(number)))
        wanted = (question.law, question.article)
        places.append(listed.index(wanted) if wanted in listed else DEPTH)
    shares = {"@1": share(places, 1), "@5": share(places, 5)}
    for kind in sorted({question.kind for question in asked}):
        of_kind = [place for place, each in zip(places, asked, strict=True) if each.kind == kind]
        shares[f"{kind} @5"] = share(of_kind, 5)
    return shares


def share(places: Sequence[int], count: int) -> float:
    return sum(place < count for place in places) / len(places)


if __name__ == "__main__":
    main()
