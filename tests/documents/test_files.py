"""Files people bring: read by a job, kept as text alone, and gone when they are deleted."""

import io
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from hunmin import documents
from hunmin.act import SYSTEM
from hunmin.blobs import DiskBlobs
from hunmin.documents import actions, rules, store
from hunmin.documents.tables import FileRow, PassageRow
from hunmin.errors import DiskFull, FileNotFound, FileNotReady, TooManyFiles
from hunmin.reading import Page, Reading
from hunmin.retrieval import cut
from tests.support.brought import FILES, bring, bring_and_read, read_waiting
from tests.support.desk import make_link, sign_in, stranger
from tests.support.office_files import hwpx

SECRET = "카나리아대목이여기있다"


@pytest.fixture
def blobs(tmp_path) -> DiskBlobs:
    return DiskBlobs(tmp_path / "waiting")


@pytest.fixture
def bring_as(act_as, blobs):
    """Give a function that brings a file for somebody, and another that has it read."""

    def bring_as(actor, text=SECRET, *, read=True, files_max=9, **when) -> str:
        @contextmanager
        def open_act():
            with act_as(actor, **when) as act:
                yield act

        file_id = store.bring(
            open_act, blobs, name="글.txt", content=text.encode(), files_max=files_max
        ).id
        if read:
            pages = Reading("text", (Page(1, text),))
            with act_as(SYSTEM) as act:
                actions.keep_reading(act, file_id, pages, cut("글.txt", [(1, text)]))
        return file_id

    return bring_as


def rows(act, table) -> int:
    return act.session.query(table).count()


def test_a_file_is_read_by_a_job_and_only_its_text_is_kept(client, settings):
    brought = bring(client, "C:\\폴더\\안내문.hwpx", hwpx())
    assert (brought.status_code, brought.json()["state"]) == (201, "waiting")
    assert list(store.open_store(settings).hashes()) != []
    read_waiting(client.app)

    shown = client.get(f"{FILES}/{brought.json()['id']}").json()
    assert (shown["name"], shown["state"], shown["kind"]) == ("안내문.hwpx", "read", "hwpx")
    assert shown["characters"] > 20
    assert list(store.open_store(settings).hashes()) == []
    page = client.get(f"/files/{shown['id']}/passages/1")
    assert "주민등록표 등본은" in page.text


def test_a_file_that_cannot_be_read_says_why_in_the_readers_language(client, settings):
    shown = bring_and_read(client, "a.zip", b"PK\x03\x04 no", headers={"Accept-Language": "ko"})

    assert shown["state"] == "failed"
    assert shown["error"]["code"] in {"file_kind_unknown", "file_unreadable"}
    assert "올리십시오" in shown["error"]["message"]
    assert list(store.open_store(settings).hashes()) == []


@pytest.mark.parametrize("read", [True, False])
def test_deleted_words_are_in_no_file(client, settings, read):
    file_id = bring(client, "글.txt", SECRET.encode()).json()["id"]
    if read:
        read_waiting(client.app)
    assert client.delete(f"{FILES}/{file_id}").status_code == 204
    read_waiting(client.app)  # sweeps what waited

    assert client.get(f"{FILES}/{file_id}").status_code == 404
    client.app.state.database.close()  # the last one out writes everything into the file
    for path in Path(settings.data).rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


def test_nobody_reaches_anothers_file(client):
    file_id = bring_and_read(client, "글.txt", SECRET.encode())["id"]
    other = sign_in(stranger(client.app), "mino")

    for method, address in [
        ("GET", f"{FILES}/{file_id}"), ("DELETE", f"{FILES}/{file_id}"),
        ("GET", f"/files/{file_id}/passages/1"),
    ]:  # fmt: skip
        answer = other.request(method, address)
        assert (answer.status_code, SECRET in answer.text) == (404, False)
    assert client.get(f"{FILES}/{file_id}").status_code == 200


def test_too_large_a_file_and_too_many_are_refused_and_leave_nothing(client, settings):
    guest = rules.FILES_PER_GUEST_MAX
    for _ in range(guest):
        assert bring(client, "a.txt", b"a").status_code == 201
    assert bring(client, "a.txt", b"a").json()["code"] == "too_many_files"
    assert len(list(store.open_store(settings).hashes())) == guest

    huge = bring(stranger(client.app), "a.txt", b"a" * (settings.documents.file_bytes_max + 1))
    assert (huge.status_code, huge.json()["code"]) == (413, "file_too_large")


def test_where_the_store_takes_nothing_no_file_is_left(act_as, dana, blobs, bring_as, monkeypatch):
    def full(*_given, **_named):
        raise DiskFull(path=blobs.folder)

    monkeypatch.setattr(DiskBlobs, "put", full)
    with pytest.raises(DiskFull):
        bring_as(dana)

    with act_as() as act:
        assert rows(act, FileRow) == 0


def test_of_two_that_are_alike_each_is_its_own(act_as, dana, mino, blobs, bring_as):
    first = bring_as(dana, read=False)
    bring_as(mino, read=False)
    assert len(list(blobs.hashes())) == 2

    with act_as(dana) as act:
        documents.delete_file(act, first)
    store.sweep(act_as, blobs)
    with act_as(mino) as act:
        (left,) = blobs.hashes()
        assert act.session.query(FileRow).one().blob_sha256 == left


def test_what_lies_in_the_store_without_a_file_is_swept(act_as, dana, blobs, bring_as):
    bring_as(dana, read=False)
    blobs.put(io.BytesIO(b"left by a crash"))
    store.sweep(act_as, blobs)

    assert len(list(blobs.hashes())) == 1


def test_a_file_goes_with_the_conversation_it_is_asked_about_in(act_as, dana, bring_as):
    kept, other = bring_as(dana), bring_as(dana)
    with act_as(dana) as act:
        documents.use_files(act, file_ids=[kept], conversation_id="one")
        with pytest.raises(FileNotFound):
            documents.use_files(act, file_ids=[kept], conversation_id="two")
    with act_as(dana) as act:
        documents.delete_files_of(act, "one")
    with act_as() as act:
        assert [row.id for row in act.session.query(FileRow)] == [other]
        assert {row.file_id for row in act.session.query(PassageRow)} == {other}


def test_a_file_that_was_not_read_is_not_asked_about(act_as, dana, bring_as):
    waiting = bring_as(dana, read=False)
    with act_as(dana) as act:
        for check in (
            lambda: documents.check_sources(act, file_ids=[waiting], collection_ids=[]),
            lambda: documents.use_files(act, file_ids=[waiting], conversation_id="one"),
        ):
            with pytest.raises(FileNotReady):
                check()


def test_a_conversation_takes_only_so_many_files(act_as, dana, bring_as):
    ids = [bring_as(dana, files_max=99) for _ in range(documents.FILES_MAX + 1)]
    with act_as(dana) as act:
        documents.use_files(act, file_ids=ids[:-1], conversation_id="one")
        with pytest.raises(TooManyFiles):
            documents.use_files(act, file_ids=ids[-1:], conversation_id="one")


def test_what_nobody_asked_about_goes_after_a_day(act_as, dana, bring_as, noon):
    used, unused = bring_as(dana), bring_as(dana)
    with act_as(dana) as act:
        documents.use_files(act, file_ids=[used], conversation_id="one")
    for hours, left in [(23, {used, unused}), (25, {used})]:
        with act_as(SYSTEM, now=noon + timedelta(hours=hours)) as act:
            actions.delete_unused_files(act)
            assert {row.id for row in act.session.query(FileRow)} == left


def test_a_guests_files_come_along_to_the_account(client):
    file_id = bring_and_read(client, "글.txt", SECRET.encode())["id"]
    client.post("/sign-in", data={"link": make_link(client.app), "adopt": "true"})

    assert client.get("/account.json").json()["user"]["name"] == "dana"
    assert client.get(f"{FILES}/{file_id}").json()["state"] == "read"
