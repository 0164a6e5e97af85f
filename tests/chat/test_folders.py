"""How people keep order and say how they want to be answered; nobody else can."""

import pytest

from hunmin import audit, chat
from hunmin.act import Actor
from hunmin.chat import rules
from hunmin.chat.views import Instructions
from hunmin.errors import (
    ConversationNotFound,
    FolderNotFound,
    PreferenceUnfit,
    TitleUnfit,
    TooManyFolders,
)
from tests.chat.kept import start

SECRET = "비밀스러운말"


def names(act):
    return [folder.name for folder in chat.list_folders(act).folders]


def test_folders_stand_in_the_order_they_are_given(act_as, dana):
    with act_as(dana) as act:
        ids = [chat.create_folder(act, name=name).id for name in ("가", "나", "다")]
        assert names(act) == ["가", "나", "다"]
        chat.order_folders(act, folder_ids=[ids[2]])
        assert names(act) == ["다", "가", "나"]
        chat.order_folders(act, folder_ids=[ids[1], ids[2], ids[0]])
        assert names(act) == ["나", "다", "가"]
        with pytest.raises(FolderNotFound):
            chat.order_folders(act, folder_ids=[ids[0], "0" * 26])
        assert names(act) == ["나", "다", "가"]


def test_a_folder_that_is_deleted_leaves_its_conversations(act_as, dana):
    with act_as(dana) as act:
        folder = chat.create_folder(act, name="민원")
        id_ = start(act, folder_id=folder.id).conversation.id
        assert chat.get_conversation(act, id_).folder_id == folder.id
        chat.delete_folder(act, folder_id=folder.id)
    with act_as(dana) as act:
        assert chat.get_conversation(act, id_).folder_id is None
        assert names(act) == []


def test_a_name_that_is_none_and_a_folder_too_many_are_refused(act_as, dana, monkeypatch):
    monkeypatch.setattr(rules, "FOLDERS_MAX", 1)
    with act_as(dana) as act:
        with pytest.raises(TitleUnfit):
            chat.create_folder(act, name=" \n")
        folder = chat.create_folder(act, name="민원")
        with pytest.raises(TooManyFolders):
            chat.create_folder(act, name="또 하나")
        with pytest.raises(TitleUnfit):
            chat.rename_folder(act, folder_id=folder.id, name="")
        assert names(act) == ["민원"]


def test_what_the_folder_the_conversation_and_the_account_say_is_said_in_this_order(act_as, dana):
    with act_as(dana) as act:
        folder = chat.create_folder(act, name="민원", system_prompt="민원을 돕습니다.")
        id_ = start(act, folder_id=folder.id).conversation.id
        chat.instruct_conversation(
            act, conversation_id=id_, instructions=Instructions(system_prompt="짧게.", model="b")
        )
        chat.set_preferences(
            act, instructions=Instructions(system_prompt="존댓말로.", model="a", temperature=0.3)
        )
        wishes = chat.wishes(act, id_)

    assert wishes.system_prompt == "민원을 돕습니다.\n\n짧게.\n\n존댓말로."
    assert wishes.models == ["b", "a"]
    assert wishes.temperature == 0.3


def test_a_temperature_of_the_conversation_goes_before_ones_own_even_where_it_is_zero(act_as, dana):
    with act_as(dana) as act:
        id_ = start(act).conversation.id
        chat.set_preferences(act, instructions=Instructions(temperature=1.5))
        chat.instruct_conversation(
            act, conversation_id=id_, instructions=Instructions(temperature=0.0)
        )
        assert chat.wishes(act, id_).temperature == 0.0


@pytest.mark.parametrize(
    "unfit",
    [
        Instructions(system_prompt="가" * 4_001),
        Instructions(temperature=2.1),
        Instructions(temperature=-0.1),
        Instructions(temperature=float("nan")),
    ],
)
def test_what_cannot_be_followed_is_refused_and_nothing_is_changed(act_as, dana, unfit):
    fit = Instructions(system_prompt="짧게.", temperature=1.0)
    with act_as(dana) as act:
        id_ = start(act).conversation.id
        chat.set_preferences(act, instructions=fit)
    with act_as(dana) as act, pytest.raises(PreferenceUnfit):
        chat.set_preferences(act, instructions=unfit)
    with act_as(dana) as act, pytest.raises(PreferenceUnfit):
        chat.instruct_conversation(act, conversation_id=id_, instructions=unfit)
    with act_as(dana) as act:
        assert chat.get_preferences(act) == fit


def test_a_guests_folders_and_preferences_come_along_to_an_account(act_as, dana, mino):
    guest = Actor(user_id=mino.user_id, kind="guest")
    with act_as(guest) as act:
        folder = chat.create_folder(act, name="민원")
        id_ = start(act, folder_id=folder.id).conversation.id
        chat.set_preferences(act, instructions=Instructions(system_prompt="짧게."))
    with act_as(dana) as act:
        chat.adopt_history(act, guest_id=guest.user_id)
    with act_as(dana) as act:
        assert names(act) == ["민원"]
        assert chat.get_conversation(act, id_).folder_id == folder.id
        assert chat.get_preferences(act).system_prompt == "짧게."


def test_a_guests_preferences_do_not_replace_those_of_an_account(act_as, dana, mino):
    guest = Actor(user_id=mino.user_id, kind="guest")
    with act_as(guest) as act:
        chat.set_preferences(act, instructions=Instructions(system_prompt="길게."))
    with act_as(dana) as act:
        chat.set_preferences(act, instructions=Instructions(system_prompt="짧게."))
        chat.adopt_history(act, guest_id=guest.user_id)
        assert chat.get_preferences(act).system_prompt == "짧게."


def test_nobody_else_can_see_or_change_a_folder_or_file_into_it(act_as, dana, mino):
    with act_as(dana) as act:
        folder = chat.create_folder(act, name="민원", system_prompt="비밀")
        id_ = start(act, folder_id=folder.id).conversation.id
    with act_as(mino) as act:
        own = start(act).conversation.id
    attempts = [
        lambda act: chat.rename_folder(act, folder_id=folder.id, name="내 것"),
        lambda act: chat.instruct_folder(act, folder_id=folder.id, system_prompt="내 것"),
        lambda act: chat.delete_folder(act, folder_id=folder.id),
        lambda act: chat.order_folders(act, folder_ids=[folder.id]),
        lambda act: chat.file_conversation(act, conversation_id=own, folder_id=folder.id),
        lambda act: start(act, folder_id=folder.id),
        lambda act: chat.list_conversations(act, folder=folder.id),
    ]
    for attempt in attempts:
        with act_as(mino) as act, pytest.raises(FolderNotFound):
            attempt(act)
    attempts = [
        lambda act: chat.file_conversation(act, conversation_id=id_, folder_id=None),
        lambda act: chat.pin_conversation(act, conversation_id=id_, pinned=True),
        lambda act: chat.archive_conversation(act, conversation_id=id_, archived=True),
        lambda act: chat.wishes(act, id_),
        lambda act: chat.instruct_conversation(
            act, conversation_id=id_, instructions=Instructions(system_prompt="내 것")
        ),
    ]
    for attempt in attempts:
        with act_as(mino) as act, pytest.raises(ConversationNotFound):
            attempt(act)
    with act_as(mino) as act:
        assert names(act) == []
    with act_as(dana) as act:
        shown = chat.get_conversation(act, id_)
        assert (shown.folder_id, shown.pinned, shown.archived) == (folder.id, False, False)
        assert names(act) == ["민원"]


def test_the_log_knows_how_order_was_kept_and_none_of_the_words(act_as, dana):
    with act_as(dana) as act:
        folder = chat.create_folder(act, name=SECRET, system_prompt=SECRET)
        id_ = start(act).conversation.id
        chat.rename_folder(act, folder_id=folder.id, name=SECRET)
        chat.instruct_folder(act, folder_id=folder.id, system_prompt=SECRET)
        chat.order_folders(act, folder_ids=[folder.id])
        chat.file_conversation(act, conversation_id=id_, folder_id=folder.id)
        chat.pin_conversation(act, conversation_id=id_, pinned=True)
        chat.archive_conversation(act, conversation_id=id_, archived=True)
        said = Instructions(system_prompt=SECRET, model=SECRET)
        chat.instruct_conversation(act, conversation_id=id_, instructions=said)
        chat.set_preferences(act, instructions=said)
        chat.delete_folder(act, folder_id=folder.id)
    with act_as() as act:
        events = audit.list_events(act)
    kinds = {event.kind for event in events}

    assert kinds >= {
        *(f"chat.folder.{verb}" for verb in ("create", "rename", "instruct", "order", "delete")),
        *(f"chat.conversation.{verb}" for verb in ("file", "pin", "archive", "instruct")),
        "chat.preference.set",
    }
    assert SECRET not in str([event.model_dump() for event in events])
