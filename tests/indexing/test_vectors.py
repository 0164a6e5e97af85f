"""Vectors of a collection: asked of a server in parts, gone on with, and never garbled."""

import http.server
import json
import threading

import numpy as np
import pytest

from hunmin.errors import ServerUnreachable
from hunmin.indexing import embedding, index
from hunmin.indexing.embedding import Embedder
from hunmin.manifest import verify_files
from hunmin.retrieval import Collection
from hunmin.retrieval.vectors import VECTORS_NAME
from tests.support.collections import LAW
from tests.support.meanings import MODEL, StandIn, vector_of


@pytest.fixture
def sources(tmp_path):
    rows = [{"id": str(n), "text": f"# 법 {n}\n\n{LAW}"} for n in range(4)]
    (tmp_path / "laws.jsonl").write_text("\n".join(map(json.dumps, rows)))
    path = tmp_path / "sources.toml"
    path.write_text('[[source]]\nname = "laws"\npath = "laws.jsonl"\nlicense = "CC0-1.0"\n')
    return path


def test_who_was_stopped_goes_on_and_asks_for_the_rest_alone(sources, tmp_path, monkeypatch):
    monkeypatch.setattr(embedding, "TOGETHER", 5)
    out = tmp_path / "laws"
    with pytest.raises(ServerUnreachable):
        index(sources, out, embedder=StandIn("http://a", MODEL, texts_max=8))
    assert not out.exists()
    (torn,) = tmp_path.glob(f".*/{VECTORS_NAME}")
    with torn.open("ab") as file:
        file.write(b"x")
    second = StandIn("http://a", MODEL)
    manifest = index(sources, out, embedder=second)

    assert len(second.asked) == 1 + 12 - 5
    assert manifest.facts["vectors"] == {"model": MODEL, "dimensions": 3}
    kept = np.fromfile(out / VECTORS_NAME, np.float16).reshape(-1, 3)
    assert len(kept) == manifest.facts["passages"] == 12
    assert kept[-1] == pytest.approx(vector_of(second.asked[-1]), abs=1e-3)
    assert "「법 3」 제40조\n제40조 (과태료)\n정당한" in second.asked[-1]
    verify_files(out)


def test_meanings_are_found_beside_words_and_what_is_cited_comes_first(sources, tmp_path):
    index(sources, tmp_path / "laws", embedder=StandIn("http://a", MODEL))
    collection = Collection(tmp_path / "laws")

    def found(question, **options):
        listed = collection.search(question, count=4, **options)
        return [each.passage.anchor for each in listed]

    assert collection.vector_model == MODEL
    assert found("벌금?") == []
    assert found("벌금?", vector=vector_of("벌금?")) == ["제40조"] * 4
    assert found("벌금?", vector=(1.0, 0.0)) == []  # of another model
    cited = "법 2 제16조, 벌금?"
    first, *others = found(cited, vector=vector_of(cited))
    assert first == "제16조"
    assert "제40조" in others


def served(reply: bytes, status: int = 200):
    """Serve one reply to every question; return the address and what ends it."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}", server


@pytest.mark.parametrize(
    ("reply", "status", "said"),
    [
        (b"nonsense", 200, "Expecting value"),
        (b'{"data": []}', 200, "other texts"),
        (b'{"data": [{"index": 0, "embedding": [0, 0]}]}', 200, "direction"),
        (b'{"data": [{"index": 0, "embedding": [NaN]}]}', 200, "direction"),
        (b'{"data": [{"index": 0, "embedding": ["a"]}]}', 200, "could not convert"),
        (b'{"data": [{"index": 1, "embedding": [1.0]}]}', 200, "other texts"),
        (b'{"error": {"message": "No model of this name"}}', 404, "No model of this name"),
        (b"gone", 502, "HTTP 502"),
    ],
)
def test_a_reply_that_holds_no_vectors_is_said(reply, status, said):
    url, server = served(reply, status)
    try:
        with pytest.raises(ServerUnreachable, match=said):
            Embedder(f"{url}/v1", "m", "hm-key").embed(["글"])
    finally:
        server.shutdown()
        server.server_close()


def test_a_key_is_not_shown():
    assert "hm-key" not in repr(Embedder("http://a", "m", "hm-key"))
