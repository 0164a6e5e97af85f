"""A conversation shown to others: what they see, for how long, and who may let them."""

from datetime import timedelta

import pytest

from hunmin import accounts, audit, chat
from hunmin.act import SYSTEM, Actor, open_act
from hunmin.errors import ConversationNotFound, SharesOff, ShareUnusable, SignInNeeded
from tests.chat.conftest import API, ask
from tests.chat.kept import follow, start
from tests.support.desk import sign_in, stranger

PERSONAL = "제 번호는 010-1234-5678입니다."
STRANGER = Actor(user_id=None, kind="guest")


def share(act, begun, **options):
    asked = {"days": 7, "masked": True, "allowed": True, **options}
    return chat.make_share(act, conversation_id=begun.conversation.id, **asked)


def test_others_see_a_copy_of_the_branch_shown_and_nothing_that_is_said_later(act_as, dana):
    with act_as(dana) as act:
        begun = start(act, "전입신고")
        follow(act, begun, "다른 갈래")
        follow(act, begun, "이 갈래")
        made = share(act, begun)
        follow(act, begun, "나중에 한 말")
    with act_as(STRANGER) as act:
        seen = chat.read_shared(act, made.secret)

    assert [message.text for message in seen.messages] == [
        "전입신고",
        "14일 안에 합니다.",
        "이 갈래",
        "신분증입니다.",
    ]
    assert seen.id == made.share.id
    assert made.secret not in str(made.share)


@pytest.mark.parametrize("masked", [True, False])
def test_personal_data_is_counted_first_and_masked_where_wished(act_as, dana, masked):
    with act_as(dana) as act:
        begun = start(act, PERSONAL, PERSONAL)
        preview = chat.preview_share(act, begun.conversation.id)
        seen = chat.read_shared(act, share(act, begun, masked=masked).secret)

    assert (preview.messages, sum(preview.personal_data.values())) == (2, 3)
    assert ("010-1234-5678" in seen.model_dump_json()) is not masked


def test_a_share_ends_by_time_by_its_owner_and_with_its_conversation(act_as, dana, noon):
    with act_as(dana) as act:
        begun = start(act)
        by_time, by_hand, with_it = (share(act, begun, days=days) for days in (1, 7, 7))
        chat.revoke_share(act, share_id=by_hand.share.id)
    with act_as(dana, now=noon + timedelta(days=1)) as act:
        assert [one.id for one in chat.list_shares(act)] == [with_it.share.id]
        for ended in (by_time, by_hand):
            with pytest.raises(ShareUnusable):
                chat.read_shared(act, ended.secret)
        assert chat.delete_ended_shares(act) == 1
        assert chat.delete_ended_shares(act) == 0
        chat.delete_conversation(act, conversation_id=begun.conversation.id)
    with act_as(dana) as act:
        with pytest.raises(ShareUnusable):
            chat.read_shared(act, with_it.secret)
        assert chat.list_shares(act) == []


def test_only_a_person_shares_only_ones_own_and_only_where_it_is_allowed(act_as, dana, mino):
    with act_as(dana) as act:
        begun = start(act)
        made = share(act, begun)
        with pytest.raises(SharesOff):
            share(act, begun, allowed=False)
    for kind in ("guest", "key"):
        with act_as(Actor(user_id=dana.user_id, kind=kind)) as act, pytest.raises(SignInNeeded):
            share(act, begun)
    with act_as(mino) as act:
        with pytest.raises(ConversationNotFound):
            share(act, begun)
        with pytest.raises(ConversationNotFound):
            chat.preview_share(act, begun.conversation.id)
        with pytest.raises(ShareUnusable):
            chat.revoke_share(act, share_id=made.share.id)
        assert chat.list_shares(act) == []
    with act_as(dana) as act:
        assert [one.id for one in chat.list_shares(act)] == [made.share.id]


def test_the_log_knows_of_shares_and_neither_words_nor_secrets(act_as, dana):
    with act_as(dana) as act:
        made = share(act, start(act, "비밀 질문"))
        chat.revoke_share(act, share_id=made.share.id)
    with act_as() as act:
        events = audit.list_events(act)
    said = str([event.model_dump() for event in events])

    assert {"chat.share.make", "chat.share.revoke"} <= {event.kind for event in events}
    assert "비밀" not in said
    assert made.secret not in said


class TestOverHttp:
    @pytest.fixture
    def settings(self, settings):
        return settings.model_copy(
            update={"chat": settings.chat.model_copy(update={"shares": True})}
        )

    def test_an_address_opens_for_anyone_and_for_no_search_engine(self, app, client):
        sign_in(client, "dana")
        told = ask(client, "전입신고 <script>")
        made = client.post(f"{API}/{told.conversation_id}/shares", json={"days": 1})
        assert made.status_code == 201
        assert made.headers["cache-control"] == "no-store"
        address = made.json()["address"]
        page = stranger(app).get(address, headers={"Accept": "text/html"})

        assert page.status_code == 200
        assert page.headers["cache-control"] == "no-store"
        assert '<meta name="robots" content="noindex">' in page.text
        assert 'data-ai-generated="true"' in page.text
        assert "전입신고 &lt;script&gt;" in page.text
        assert "dana" not in page.text

        client.post(f"/account/shares/{made.json()['share']['id']}/revoke")
        gone = stranger(app).get(address, headers={"Accept": "text/html"})
        assert gone.status_code == 404
        assert "전입신고" not in gone.text

    @pytest.mark.parametrize("secret", ["x", "A" * 43, "../account"])
    def test_an_address_that_is_none_shows_nothing(self, client, secret):
        assert client.get(f"/shared/{secret}").status_code in {401, 404, 422}

    def test_ones_shares_are_listed_and_nobody_else_ends_them(self, app, client):
        sign_in(client, "dana")
        told = ask(client, "전입신고")
        made = client.post(f"{API}/{told.conversation_id}/shares", json={}).json()["share"]
        other = sign_in(stranger(app), "mino")

        assert "전입신고" in client.get("/account/shares").text
        assert "전입신고" not in other.get("/account/shares").text
        assert other.delete(f"/chat/api/shares/{made['id']}").json()["code"] == "share_unusable"
        assert client.delete(f"/chat/api/shares/{made['id']}").status_code == 204


def test_sharing_is_off_where_the_operator_says_nothing(client):
    sign_in(client, "dana")
    told = ask(client, "전입신고")
    answer = client.post(f"{API}/{told.conversation_id}/shares", json={})

    assert answer.json()["code"] == "shares_off"
    assert client.get("/chat.json").json()["shares"] is False


def test_what_was_shared_is_not_shown_where_the_operator_has_switched_it_off(app, client):
    sign_in(client, "dana")
    told = ask(client, "전입신고")
    with open_act(app.state.database, SYSTEM, read_only=True) as act:
        dana = accounts.find_user(act, "dana")
    assert dana is not None
    with open_act(app.state.database, Actor(user_id=dana.id)) as act:
        made = chat.make_share(
            act, conversation_id=told.conversation_id, days=7, masked=True, allowed=True
        )
    shown = stranger(app).get(f"/shared/{made.secret}.json")

    assert shown.status_code == 404
    assert shown.json()["code"] == "share_unusable"
