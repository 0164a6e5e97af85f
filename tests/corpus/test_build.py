"""From a sources file to a corpus, through the front door."""

import json

import pyarrow.parquet as pq
import pytest

from hunmin import corpus
from hunmin.errors import NothingLeft, OutputExists
from hunmin.manifest import verify_files
from tests.corpus.conftest import ONE_SOURCE, chat, paragraph


def rows(count, start=0, **more):
    return [{"id": f"{i}", "text": paragraph(i), **more} for i in range(start, start + count)]


TWO_SOURCES = """
[[source]]
name = "first"
path = "first.jsonl"
license = "KOGL-1"
origin = "example.go.kr"
attribution = "어느 부처"

[[source]]
name = "second"
path = "second.jsonl"
license_column = "license"
"""


def test_a_corpus_holds_every_good_document_with_its_source_and_license(build, jsonl):
    jsonl("first.jsonl", rows(30))
    jsonl("second.jsonl", rows(10, 100, license="MIT") + rows(10, 200, license="CC-BY-4.0"))

    built = build(TWO_SOURCES)

    assert len(built.texts) == 50
    assert built.texts["first:7"] == paragraph(7)
    licenses = {row["id"]: row["license"] for row in built.rows("text") + built.rows("heldout")}
    assert licenses["first:3"] == "KOGL-1"
    assert licenses["second:205"] == "CC-BY-4.0"
    first, second = built.manifest.sources
    assert (first.documents, first.licenses, first.attribution) == (30, {"KOGL-1": 30}, "어느 부처")
    assert first.text_bytes == sum(len(paragraph(i).encode()) for i in range(30))
    assert (second.license, second.licenses) == (
        "CC-BY-4.0 AND MIT",
        {"CC-BY-4.0": 10, "MIT": 10},
    )
    facts = built.manifest.facts
    assert facts["documents"] + facts["heldout_documents"] == 50
    assert facts["rows_read"] == 50
    verify_files(built.folder)


def test_files_have_exactly_the_columns_other_rooms_rely_on(build, jsonl):
    jsonl("s.jsonl", rows(20))
    jsonl("c.jsonl", [{"id": "1", "messages": chat("안녕?", "안녕하세요.")}])

    built = build(
        ONE_SOURCE + '[[source]]\nname="c"\npath="c.jsonl"\nlicense="MIT"\nkind="chat"\n',
        config={"heldout_share": 0.3},
    )

    names = {path.name for path in (built.folder / "shards").iterdir()}
    assert names == {"text-00000.parquet", "heldout-00000.parquet", "chat-00000.parquet"}
    for split in ("text", "heldout"):
        schema = pq.read_schema(built.folder / "shards" / f"{split}-00000.parquet")
        assert schema.names == ["id", "text", "source", "license", "consent"]
    assert built.rows("chat") == [
        {
            "id": "c:1",
            "messages": chat("안녕?", "안녕하세요."),
            "source": "c",
            "license": "MIT",
            "consent": "",
        }
    ]
    assert pq.read_schema(built.folder / "dropped.parquet").names == [
        "id", "source", "reason", "detail",
    ]  # fmt: skip


def test_documents_with_a_refused_license_are_dropped_one_by_one(build, jsonl):
    jsonl(
        "second.jsonl",
        [
            {"id": "good", "text": paragraph(1), "license": "MIT"},
            {"id": "nc", "text": paragraph(2), "license": "CC-BY-NC-4.0"},
            {"id": "none", "text": paragraph(3)},
            {"id": "empty", "text": paragraph(4), "license": " "},
        ],
    )

    built = build(TWO_SOURCES[TWO_SOURCES.index("[[source]]", 5) :])

    assert list(built.texts) == ["second:good"]
    assert built.dropped == {
        "second:nc": "license", "second:none": "license_missing", "second:empty": "license_missing",
    }  # fmt: skip


def test_every_row_read_is_either_in_the_corpus_or_dropped_with_a_reason(build, jsonl):
    jsonl("s.jsonl", rows(40) + rows(5) + [{"id": "x", "text": "짧다"}, {"id": "y"}, {"text": 3}])

    built = build(ONE_SOURCE.replace("path", "weight = 0.5\npath"))

    assert built.manifest.facts["rows_read"] == 48
    assert len(built.texts) + len(built.drops) == 48
    assert sum(built.manifest.facts["dropped"].values()) == len(built.drops)
    assert all(row["reason"] and row["detail"] for row in built.drops)


def test_exact_and_near_duplicates_go_and_the_first_source_wins(build, jsonl):
    long = paragraph(1, sentences=40)
    changed = long.replace("조용히", "말없이", 2)
    jsonl("first.jsonl", [{"id": "a", "text": long}, {"id": "b", "text": paragraph(2)}])
    jsonl(
        "second.jsonl",
        [
            {"id": "same", "text": "  " + long.replace(". ", " .\n"), "license": "MIT"},
            {"id": "near", "text": changed, "license": "MIT"},
            {"id": "other", "text": paragraph(3, sentences=40), "license": "MIT"},
        ],
    )

    built = build(TWO_SOURCES)

    assert set(built.texts) == {"first:a", "first:b", "second:other"}
    details = {row["id"]: (row["reason"], row["detail"]) for row in built.drops}
    assert details == {
        "second:same": ("exact_duplicate", "repeats first:a"),
        "second:near": ("near_duplicate", "repeats first:a"),
    }
    assert built.manifest.facts["clusters"] == 1
    assert built.manifest.facts["clusters_across_sources"] == 1


def test_near_duplicates_may_be_kept(build, jsonl):
    long = paragraph(1, sentences=40)
    jsonl("s.jsonl", [{"text": long}, {"text": long.replace("조용히", "말없이", 2)}])

    built = build(ONE_SOURCE, config={"near_duplicates": {"enabled": False}})

    assert len(built.texts) == 2


def test_of_two_documents_with_one_id_the_later_is_dropped(build, jsonl):
    jsonl("first.jsonl", [{"id": 7, "text": paragraph(1)}, {"id": "7", "text": paragraph(2)}])
    jsonl("second.jsonl", [{"id": "7", "text": paragraph(3), "license": "MIT"}])

    built = build(TWO_SOURCES)

    assert built.texts == {"first:7": paragraph(1), "second:7": paragraph(3)}
    assert built.dropped == {"first:7": "duplicate_id"}


def test_a_text_is_not_lost_for_repeating_one_that_was_dropped_for_its_id(build, jsonl):
    texts = [("a", paragraph(1)), ("a", paragraph(2)), ("b", paragraph(2))]
    jsonl("s.jsonl", [{"id": doc_id, "text": text} for doc_id, text in texts])

    built = build(ONE_SOURCE)

    assert built.texts == {"s:a": paragraph(1), "s:b": paragraph(2)}
    assert built.dropped == {"s:a": "duplicate_id"}


def test_documents_without_ids_get_one_from_their_content(build, jsonl):
    jsonl("s.jsonl", [{"text": paragraph(1)}, {"text": paragraph(2), "id": None}])

    ids = set(build(ONE_SOURCE).texts)

    jsonl("s.jsonl", [{"text": paragraph(2)}, {"text": paragraph(1)}])
    assert set(build(ONE_SOURCE, out="again").texts) == ids
    assert len(ids) == 2


def test_personal_data_is_masked_and_counted(build, jsonl):
    jsonl("s.jsonl", [{"id": "1", "text": paragraph(1) + " 문의는 010-1234-5678로 주십시오."}])
    jsonl(
        "c.jsonl",
        [{"id": "1", "messages": chat("메일 주소는?", "gildong@mail.korea.kr입니다.")}],
    )

    built = build(ONE_SOURCE + '[[source]]\nname="c"\npath="c.jsonl"\nlicense="MIT"\nkind="chat"\n')

    assert built.texts["s:1"].endswith("문의는 <전화번호>로 주십시오.")
    assert built.rows("chat")[0]["messages"][1]["content"] == "<이메일>입니다."
    assert built.manifest.facts["masked"] == {"email": 1, "phone": 1}


def test_personal_data_of_a_document_that_repeats_another_is_counted_once(build, jsonl):
    text = paragraph(1) + " 문의는 010-1234-5678로 주십시오."
    jsonl("s.jsonl", [{"id": "1", "text": text}, {"id": "2", "text": text}])

    assert build(ONE_SOURCE).manifest.facts["masked"] == {"phone": 1}


def test_documents_that_hold_an_evaluation_passage_are_dropped(build, jsonl, folder):
    passage = paragraph(500, sentences=3)
    (folder / "eval").mkdir()
    jsonl("eval/a.jsonl", [{"id": "q1", "context": passage, "answer": 1, "choices": ["가", "나"]}])
    jsonl(
        "s.jsonl",
        [
            {"id": "holds", "text": paragraph(1) + "\n" + passage.replace(".", "!") + paragraph(2)},
            {"id": "clean", "text": paragraph(3)},
        ],
    )

    built = build(ONE_SOURCE + '[decontaminate]\npaths = ["eval"]\n')

    assert list(built.texts) == ["s:clean"]
    assert [(row["reason"], row["detail"]) for row in built.drops] == [("contaminated", "holds q1")]


def test_a_weight_below_one_draws_and_above_one_repeats(build, jsonl):
    jsonl("first.jsonl", rows(200))
    jsonl("second.jsonl", rows(20, 1000, license="MIT"))
    toml = TWO_SOURCES.replace('"first"', '"first"\nweight = 0.25', 1)
    toml = toml.replace('"second"', '"second"\nweight = 3.0', 1)

    built = build(toml, config={"heldout_share": 0.0})

    ids = [row["id"] for row in built.rows("text")]
    drawn = [i for i in ids if i.startswith("first:")]
    assert 30 <= len(drawn) <= 70
    assert len(set(drawn)) == len(drawn)
    assert all(ids.count(f"second:{i}") == 3 for i in range(1000, 1020))
    assert built.manifest.facts["dropped"] == {"not_drawn": 200 - len(drawn)}
    first, second = built.manifest.sources
    assert (first.documents, second.documents) == (len(drawn), 20)
    assert built.manifest.facts["documents"] == len(drawn) + 60


def test_heldout_documents_are_never_trained_on_and_stay_held_out(build, jsonl):
    jsonl("s.jsonl", rows(100))
    toml = ONE_SOURCE.replace("path", "weight = 4.0\npath")
    small = build(toml, config={"heldout_share": 0.2})
    jsonl("s.jsonl", rows(150))

    large = build(toml, out="large", config={"heldout_share": 0.2})

    held, trained = ({row["id"] for row in small.rows(split)} for split in ("heldout", "text"))
    assert 8 <= len(held) <= 35
    assert not held & trained
    assert len(small.rows("heldout")) == len(held)
    assert held == {i for i in (row["id"] for row in large.rows("heldout")) if int(i[2:]) < 100}


def test_documents_are_shuffled_and_shards_are_cut_by_size(build, jsonl):
    jsonl("s.jsonl", rows(120))

    built = build(ONE_SOURCE, config={"shard_text_bytes": 20_000, "heldout_share": 0.0})

    shards = sorted((built.folder / "shards").glob("text-*.parquet"))
    assert len(shards) == -(-built.manifest.facts["text_bytes"] // 20_000) > 3
    order = [int(row["id"][2:]) for row in built.rows("text")]
    assert sorted(order) == list(range(120))
    assert order != sorted(order)
    whole = build(ONE_SOURCE, out="whole", config={"heldout_share": 0.0})
    assert [int(row["id"][2:]) for row in whole.rows("text")] == order


def test_another_seed_gives_another_order_and_split(build, jsonl):
    jsonl("s.jsonl", rows(60))

    first, second = (
        build(ONE_SOURCE, out=f"seed{seed}", config={"seed": seed, "heldout_share": 0.2})
        for seed in (0, 1)
    )

    assert [r["id"] for r in first.rows("text")] != [r["id"] for r in second.rows("text")]
    assert {r["id"] for r in first.rows("heldout")} != {r["id"] for r in second.rows("heldout")}


def test_a_finished_corpus_is_not_built_again_and_not_overwritten(build, jsonl):
    path = jsonl("s.jsonl", rows(5))
    first = build(ONE_SOURCE)

    assert build(ONE_SOURCE).manifest == first.manifest
    path.write_text(path.read_text() + json.dumps({"id": "new", "text": paragraph(99)}))
    with pytest.raises(OutputExists):
        build(ONE_SOURCE)
    with pytest.raises(OutputExists):
        build(ONE_SOURCE, config={"seed": 9})


def test_a_build_that_keeps_nothing_says_why(build, jsonl, tmp_path):
    jsonl("s.jsonl", [{"id": "1", "text": "짧다"}, {"id": "2", "text": ""}])

    with pytest.raises(NothingLeft, match="too_short: 1"):
        build(ONE_SOURCE)

    assert not (tmp_path / "corpus").exists()


def test_withdrawn_documents_are_left_out_and_licenses_granted_are_taken(build, jsonl, tmp_path):
    rights = tmp_path / "rights.jsonl"
    rights.write_text(
        '{"withdrawn": "1"}\r\n{"withdrawn": "second:101"}\n{"license": "KOGL-2"}\n\n'
        '{"withdrawn": "a line\u2028separator"}\n',
        "utf-8",
    )
    jsonl("first.jsonl", rows(3))
    jsonl("second.jsonl", rows(3, 100, license="KOGL-2"))

    built = build(TWO_SOURCES, rights=rights)

    assert set(built.texts) == {"first:0", "first:2", "second:100", "second:102"}
    assert built.dropped == {"first:1": "withdrawn", "second:101": "withdrawn"}


def test_the_consent_a_document_is_used_under_goes_with_it_and_can_be_withdrawn(
    build, jsonl, tmp_path
):
    rights = tmp_path / "rights.jsonl"
    rights.write_text('{"withdrawn": "consent-1"}\n{"withdrawn": ""}\n', "utf-8")
    consents = ["consent-0", "consent-1", "  ", None, " consent-4 ", 5]
    jsonl(
        "s.jsonl",
        [
            {"id": str(number), "text": paragraph(number), "under": consent}
            for number, consent in enumerate(consents)
        ],
    )

    built = build(ONE_SOURCE + 'consent_column = "under"\n', rights=rights)

    kept = built.rows("text") + built.rows("heldout")
    assert {row["id"]: row["consent"] for row in kept} == {
        "s:0": "consent-0",
        "s:4": "consent-4",
        "s:5": "5",
    }
    assert built.dropped == {
        "s:1": "withdrawn",
        "s:2": "consent_missing",
        "s:3": "consent_missing",
    }


def test_chats_that_teach_nothing_are_dropped(build, jsonl):
    ok = chat("안녕?", "안녕하세요.")
    jsonl(
        "c.jsonl",
        [
            {"id": "ok", "messages": ok},
            {"id": "system", "messages": [{"role": "system", "content": "친절하게."}, *ok]},
            {"id": "again", "messages": ok},
            {"id": "unanswered", "messages": ok[:1]},
            {"id": "turns", "messages": [ok[1], ok[0]]},
            {"id": "role", "messages": [{"role": "robot", "content": "삐"}, ok[1]]},
            {"id": "blank", "messages": chat("안녕?", " \n ")},
            {"id": "text", "messages": "안녕"},
            {"id": "number", "messages": [{"role": "user", "content": 3}]},
            {"id": "none"},
        ],
    )

    built = build('[[source]]\nname="c"\npath="c.jsonl"\nlicense="MIT"\nkind="chat"\n')

    assert {row["id"] for row in built.rows("chat")} == {"c:ok", "c:system"}
    bad = {"unanswered", "turns", "role", "blank", "text", "number"}
    assert built.dropped == {
        **{f"c:{name}": "bad_chat" for name in bad},
        "c:again": "exact_duplicate",
        "c:none": "missing_text",
    }


def test_where_takes_only_the_rows_asked_for(build, jsonl):
    jsonl("s.jsonl", rows(3, subset="in") + rows(3, 10, subset="out") + rows(2, 20, subset="in x"))

    built = build(ONE_SOURCE + 'where = { subset = "in" }\n')

    assert set(built.texts) == {"s:0", "s:1", "s:2"}
    assert built.manifest.facts["rows_read"] == 3


@pytest.mark.parametrize(("wanted", "found"), [("true", {"s:0"}), ("False", {"s:10"})])
def test_where_knows_true_and_false_however_they_are_written(build, jsonl, wanted, found):
    jsonl("s.jsonl", rows(1, checked=True) + rows(1, 10, checked=False))

    assert set(build(ONE_SOURCE + f'where = {{ checked = "{wanted}" }}\n').texts) == found


def test_quality_rules_may_be_waived_for_a_source(build, jsonl):
    verse = "\n".join(paragraph(i, 1).rstrip(".") for i in range(30))
    jsonl("s.jsonl", [{"id": "1", "text": verse}])

    assert set(build(ONE_SOURCE + "quality = false\n").texts) == {"s:1"}
    with pytest.raises(NothingLeft):
        build(ONE_SOURCE, out="strict")


def test_the_default_configuration_is_what_no_configuration_means(build, jsonl):
    jsonl("s.jsonl", rows(3))

    first = build(ONE_SOURCE)
    second = build(ONE_SOURCE, out="second", config=corpus.CorpusConfig())

    assert first.bytes() == second.bytes()
