"""Saying whether an answer was good, and what of it is used for training: what one agreed to."""

import json
import shutil
from functools import partial

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from hunmin import audit, chat, corpus
from hunmin.__main__ import app
from hunmin.act import SYSTEM, Actor
from hunmin.audit.sightings import read_withdrawn
from hunmin.chat.notices import TRAINING_NOTICE
from hunmin.errors import (
    ConversationNotFound,
    FeedbackNotFound,
    FeedbackUnfit,
    NoticeOutdated,
    OutputExists,
    SignInNeeded,
    TrainingConsentOff,
    WrongTurn,
)
from tests.chat.conftest import API, ask
from tests.chat.kept import LIMITS, finish, follow, start
from tests.support.desk import sign_in


def rate(act, begun, verdict="good", *, agree=False, **more):
    """Say whether an answer was good; agree to today's notice where that is wished."""
    return chat.give_feedback(
        act,
        conversation_id=begun.conversation.id,
        message_id=begun.answer.id,
        verdict=verdict,
        notice=TRAINING_NOTICE if agree else None,
        asked=True,
        **more,
    )


def again(act, begun, words):
    """Have another answer written to the same question."""
    asked = chat.ask_again(
        act, conversation_id=begun.conversation.id, answer_id=begun.answer.id, limits=LIMITS
    )
    finish(act, asked, words)
    return asked


def pair(act, question="전입신고는 언제 하나요?", *, agree=True, good="14일 안에 합니다."):
    """Have a question answered twice and rate both answers; return the good and the bad one."""
    best = start(act, question, good)
    worst = again(act, best, "모르겠습니다.")
    rate(act, best, "good", agree=agree)
    rate(act, worst, "bad", agree=agree)
    return best, worst


@pytest.fixture
def export(act_as, tmp_path):
    """Give `export(name)`: what was exported, its rows, the consents that ended."""

    def export(name="out"):
        out = tmp_path / name
        done = chat.export_feedback(
            partial(act_as, SYSTEM, read_only=True), partial(act_as, SYSTEM), out
        )
        rows = [json.loads(line) for line in (out / "pairs.jsonl").read_text("utf-8").splitlines()]
        return done, rows, read_withdrawn(out / "rights.jsonl")

    return export


def feedback_on(act, begun):
    shown = chat.get_conversation(act, begun.conversation.id)
    return next(one.feedback for one in shown.messages if one.id == begun.answer.id)


def test_feedback_is_kept_with_its_answer_replaced_and_taken_back(act_as, dana):
    with act_as(dana) as act:
        begun = start(act)
        rate(act, begun, "bad", reasons=["wrong", "unclear"], words=" 날짜가 틀림 ")
        said = feedback_on(act, begun)
        assert (said.verdict, said.reasons) == ("bad", ["wrong", "unclear"])
        assert (said.words, said.may_train) == ("날짜가 틀림", False)
        rate(act, begun, "good", reasons=["right"])
        assert feedback_on(act, begun).verdict == "good"
        assert [one.excerpt for one in chat.list_feedback(act)] == ["14일 안에 합니다."]
        chat.take_back_feedback(act, message_id=begun.answer.id)
        assert feedback_on(act, begun) is None
        with pytest.raises(FeedbackNotFound):
            chat.take_back_feedback(act, message_id=begun.answer.id)


def test_only_an_answer_of_ones_own_is_rated_and_only_in_a_way_that_fits(act_as, dana, mino):
    with act_as(dana) as act:
        begun = start(act)
        for unfit in ({"reasons": ["wrong"]}, {"words": "가" * 2_001}):
            with pytest.raises(FeedbackUnfit):
                rate(act, begun, "good", **unfit)
        question = {"message_id": begun.question.id, "conversation_id": begun.conversation.id}
        with pytest.raises(WrongTurn):
            chat.give_feedback(act, **question, verdict="good")
    with act_as(mino) as act:
        with pytest.raises(ConversationNotFound):
            rate(act, begun)
        for take in (chat.take_back_feedback, chat.withdraw_consent):
            with pytest.raises(FeedbackNotFound):
                take(act, message_id=begun.answer.id)
        assert chat.list_feedback(act) == []


def test_only_a_person_who_read_todays_notice_agrees_and_only_where_it_is_asked(act_as, dana):
    with act_as(dana) as act:
        begun = start(act)
        words = {"conversation_id": begun.conversation.id, "message_id": begun.answer.id}
        with pytest.raises(TrainingConsentOff):
            chat.give_feedback(act, **words, verdict="good", notice=TRAINING_NOTICE, asked=False)
        with pytest.raises(NoticeOutdated):
            chat.give_feedback(act, **words, verdict="good", notice=99, asked=True)
    for kind in ("guest", "key"):
        with act_as(Actor(user_id=dana.user_id, kind=kind)) as act:
            with pytest.raises(SignInNeeded):
                rate(act, begun, agree=True)
            assert feedback_on(act, begun) is None


def test_what_nobody_agreed_to_is_not_exported_and_what_stands_alone_is_no_pair(
    act_as, dana, export
):
    with act_as(dana) as act:
        pair(act, "아무것도 동의하지 않음", agree=False)
        rate(act, start(act, "하나뿐인 답"), agree=True)
        best, worst = pair(act, "하나만 동의함", agree=False)
        rate(act, best, "good", agree=True)
        both, _ = pair(act, "둘 다 동의함")
    done, rows, ended = export()

    assert (done.pairs, ended) == (1, frozenset())
    assert rows[0]["id"].startswith(both.answer.id)
    assert worst.answer.id not in rows[0]["id"]


def test_a_pair_has_the_conversation_above_it_and_no_personal_data(act_as, dana, export):
    with act_as(dana) as act:
        begun = start(act, "제 번호는 010-1234-5678입니다", "알겠습니다.")
        best = follow(act, begun, "다시 말해 줘", "010-1234-5678입니다.")
        worst = again(act, best, "hong@example.go.kr")
        other = follow(act, begun, "다른 갈래", "다른 답")
        for one, verdict in ((best, "good"), (worst, "bad"), (other, "bad")):
            rate(act, one, verdict, agree=True, words="내가 덧붙인 말")
    done, rows, _ = export()

    assert (done.pairs, done.masked) == (1, 3)
    assert [one["content"] for one in rows[0]["prompt"]] == [
        "제 번호는 <전화번호>입니다",
        "알겠습니다.",
        "다시 말해 줘",
    ]
    assert (rows[0]["chosen"], rows[0]["rejected"]) == ("<전화번호>입니다.", "<이메일>")
    assert "덧붙인" not in str(rows)


@pytest.mark.parametrize("way", ["one of both", "saved without", "feedback", "conversation"])
def test_a_consent_that_was_taken_back_is_named_and_nothing_under_it_is_exported(
    act_as, dana, export, way
):
    with act_as(dana) as act:
        best, worst = pair(act)
        kept = pair(act, "다른 질문")[0]
    _, rows, _ = export("before")
    consent = next(row["consent"] for row in rows if best.answer.id in row["id"])
    with act_as(dana) as act:
        if way == "one of both":
            chat.withdraw_consent(act, message_id=worst.answer.id)
            assert not feedback_on(act, best).may_train
        elif way == "saved without":
            rate(act, best, "good")
        elif way == "feedback":
            chat.take_back_feedback(act, message_id=best.answer.id)
        else:
            chat.delete_conversation(act, conversation_id=best.conversation.id)
    _, rows, ended = export("after")

    assert [row["id"].split("-")[0] for row in rows] == [kept.answer.id]
    assert ended == {consent}


def test_agreeing_again_is_another_consent(act_as, dana, export):
    with act_as(dana) as act:
        best, worst = pair(act)
        first = {one.agreed_at for one in chat.list_feedback(act)}
        assert len(first) == 1
        chat.withdraw_consent(act, message_id=best.answer.id)
        assert all(one.notice is None for one in chat.list_feedback(act))
        rate(act, best, "good", agree=True)
        rate(act, worst, "bad", agree=True)
    _, rows, ended = export()

    assert [row["consent"] in ended for row in rows] == [False]
    assert len(ended) == 1


def test_more_pairs_than_are_read_at_once_are_exported_once_each(act_as, dana, export, monkeypatch):
    monkeypatch.setattr("hunmin.chat.feedback_export._PAIRS_AT_ONCE", 2)
    with act_as(dana) as act:
        best, _ = pair(act)
        for number in range(4):
            rate(act, again(act, best, f"답 {number}"), "bad", agree=True)
    done, rows, _ = export()

    assert done.pairs == len({row["id"] for row in rows}) == 5


def test_a_corpus_of_what_was_exported_names_the_consents_and_leaves_out_those_that_ended(
    act_as, dana, export, tmp_path
):
    with act_as(dana) as act:
        pair(act, "전입신고는 언제 하나요?")
        gone, _ = pair(act, "여권은 어디에서 만드나요?", good="구청에서 만듭니다.")
    _, before, _ = export("before")
    with act_as(dana) as act:
        chat.withdraw_consent(act, message_id=gone.answer.id)
    export("after")
    corpus.build(
        tmp_path / "before" / "sources.toml",
        tmp_path / "corpus",
        rights=tmp_path / "after" / "rights.jsonl",
        config=corpus.CorpusConfig(preference_heldout_share=0),
    )

    shards = (tmp_path / "corpus" / "shards").glob("preference-*.parquet")
    learned = [row for shard in shards for row in pq.read_table(shard).to_pylist()]
    kept = [row for row in before if gone.answer.id not in row["id"]]
    assert [row["consent"] for row in learned] == [row["consent"] for row in kept]
    assert learned[0]["license"] == "Own"
    with act_as(SYSTEM) as act:
        events = audit.list_events(act, limit=100)
    given = {event.subject for event in events if event.kind == "chat.consent.give"}
    assert {row["consent"] for row in learned} <= given


def test_what_is_there_is_not_written_over(export):
    export()
    with pytest.raises(OutputExists):
        export()


def test_the_command_says_what_it_wrote(settings, migrated_file, tmp_path):
    settings.data.mkdir(parents=True)
    shutil.copyfile(migrated_file, settings.data / "hunmin.db")
    out = tmp_path / "out"
    asked = ["chat", "feedback", "export", str(out), "--data", str(settings.data)]
    said = CliRunner().invoke(app, asked)

    assert said.exit_code == 0, said.output
    assert "0 pairs, 0 pieces of personal data masked, 0 consents ended" in said.output
    assert sorted(path.name for path in out.iterdir()) == [
        "pairs.jsonl",
        "rights.jsonl",
        "sources.toml",
    ]


class TestOverHttp:
    def test_the_notice_is_told_the_consent_given_seen_and_taken_back(self, client):
        sign_in(client)
        told = ask(client, "안녕")
        path = f"{API}/{told.conversation_id}/messages/{told.answer_id}/feedback"
        notice = client.get("/chat/api/feedback/notice").json()
        assert "철회" in notice["text"]
        unread = client.put(path, json={"verdict": "good", "may_train": True})
        assert unread.json()["code"] == "notice_outdated"

        said = {"verdict": "good", "may_train": True, "notice": notice["number"]}
        assert client.put(path, json=said).json()["may_train"] is True
        page = client.get("/account/feedback").text
        assert "동의 철회" in page
        client.post(f"/account/feedback/{told.answer_id}/withdraw")
        assert "동의 철회" not in client.get("/account/feedback").text
        assert client.delete(path).status_code == 204
        assert "평가한 답변이 없습니다" in client.get("/account/feedback").text

    def test_a_guest_rates_answers_and_agrees_to_nothing(self, client):
        told = ask(client, "안녕")
        path = f"{API}/{told.conversation_id}/messages/{told.answer_id}/feedback"
        said = {"verdict": "bad", "reasons": ["awkward"]}
        assert client.put(path, json=said).status_code == 200
        refused = client.put(path, json={**said, "may_train": True, "notice": TRAINING_NOTICE})

        assert refused.status_code == 401
        assert client.delete(path).status_code == 204
