"""The corpus as training reads it: nothing lost, nothing learned that should not be."""

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin import model
from hunmin.train.packing import Packer
from hunmin.train.rowfile import RowFile
from hunmin.train.tokens import prepare


def test_running_text_is_cut_into_sequences_with_no_token_dropped(corpus, tokenizer, tmp_path):
    sequences = prepare(corpus, tokenizer, tmp_path / "t", kind="text", sequence_tokens=40)

    loaded = model.load_tokenizer(tokenizer)
    texts = pq.read_table(corpus / "shards/text-00000.parquet")["text"].to_pylist()
    flat = [
        token
        for text in texts
        for token in [*loaded.encode(text, add_special_tokens=False).ids, model.END_OF_TEXT_ID]
    ]
    rows = sequences.ids_ST
    joined = [int(rows[0, 0]), *(int(token) for row in rows for token in row[1:])]
    assert joined == flat[: len(joined)]
    assert len(flat) - len(joined) < 40
    assert sequences.info["drop_share"] == (len(flat) - len(joined)) / len(flat)
    assert sequences.info["pad_share"] == 0


@pytest.mark.parametrize("length", [24, 160])
def test_of_chats_it_is_told_what_was_dropped_and_how_much_is_padding(
    corpus, tokenizer, tmp_path, length
):
    sequences = prepare(corpus, tokenizer, tmp_path / "t", kind="chat", sequence_tokens=length)

    loaded = model.load_tokenizer(tokenizer)
    chats = pq.read_table(corpus / "shards/chat-00000.parquet")["messages"].to_pylist()
    tokens = sum(len(model.encode_chat_with_mask(loaded, messages)[0]) for messages in chats)
    is_padding = sequences.ids_ST == model.PAD_ID
    dropped = tokens - np.count_nonzero(~is_padding)
    assert (dropped > 0) == (length == 24), "only a chat that is longer than a sequence is cut"
    assert sequences.info["drop_share"] == pytest.approx(dropped / tokens)
    assert sequences.info["pad_share"] == pytest.approx(is_padding.mean())


@given(lengths=st.lists(st.integers(1, 17), min_size=1, max_size=150), joined_max=st.integers(1, 4))
def test_packing_drops_no_token_of_a_chat_that_fits(lengths, joined_max):
    packer = Packer(17, joined_max)
    for number, length in enumerate(lengths, start=1):
        packer.add([1000 * number + i for i in range(length)], [True] * length)

    rows = packer.rows()

    packed = [token for row in rows for token in row.ids if token != model.PAD_ID]
    assert sorted(packed) == [
        1000 * number + i for number, length in enumerate(lengths, start=1) for i in range(length)
    ]
    assert all(sorted(row.segments) == row.segments for row in rows), "conversations stand together"


def test_only_the_assistants_words_are_learned(corpus, tokenizer, tmp_path):
    sequences = prepare(corpus, tokenizer, tmp_path / "t", kind="chat", sequence_tokens=160)

    loaded = model.load_tokenizer(tokenizer)
    chats = pq.read_table(corpus / "shards/chat-00000.parquet")["messages"].to_pylist()
    answers = {messages[1]["content"] for messages in chats}
    learned = {
        loaded.decode(list(row[segment & mask]), skip_special_tokens=True).strip()
        for row, mask, segments in zip(
            sequences.ids_ST, sequences.learned_ST, sequences.segments_ST, strict=True
        )
        for segment in (segments == number for number in np.unique(segments))
    } - {""}
    assert learned == answers


def test_tokens_are_made_once_and_again_when_the_length_changes(corpus, tokenizer, tmp_path):
    prepare(corpus, tokenizer, tmp_path / "t", kind="text", sequence_tokens=40)
    written = (tmp_path / "t/ids.npy").stat().st_mtime_ns

    prepare(corpus, tokenizer, tmp_path / "t", kind="text", sequence_tokens=40)
    assert (tmp_path / "t/ids.npy").stat().st_mtime_ns == written

    other = prepare(corpus, tokenizer, tmp_path / "t", kind="text", sequence_tokens=20)
    assert other.ids_ST.shape[1] == 21


def test_files_half_written_for_another_tokenizer_are_not_taken_for_whole(
    corpus, tokenizer, tmp_path, monkeypatch
):
    def make(length):
        return prepare(corpus, tokenizer, tmp_path / "t", kind="text", sequence_tokens=length)

    whole = np.array(make(40).ids_ST)
    add = RowFile.add

    def killed(self, row):
        if self.rows == 3:
            raise KeyboardInterrupt
        add(self, row)

    with monkeypatch.context() as patched:
        patched.setattr(RowFile, "add", killed)
        with pytest.raises(KeyboardInterrupt):
            make(20)

    assert np.array_equal(make(40).ids_ST, whole)


@pytest.mark.parametrize(("count", "dtype"), [(0, np.bool_), (1, np.uint16), (1234, np.uint32)])
def test_rows_written_one_by_one_are_the_bytes_of_the_whole(tmp_path, count, dtype):
    whole = np.arange(count * 7).reshape(count, 7).astype(dtype)
    with RowFile(tmp_path / "rows.npy", dtype, 7) as rows:
        for row in whole:
            rows.add(row)
    np.save(tmp_path / "whole.npy", whole)

    assert (tmp_path / "rows.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()


@given(lengths=st.lists(st.integers(1, 17), min_size=70, max_size=200))
def test_sequences_taken_as_they_fill_are_those_taken_at_the_end(lengths):
    at_once, one_by_one, taken = Packer(17, 2), Packer(17, 2), []
    for number, length in enumerate(lengths):
        for packer in (at_once, one_by_one):
            packer.add([number] * length, [True] * length)
        taken += one_by_one.full_rows()
    held = one_by_one.rows()

    assert taken + held == at_once.rows()
    assert len(held) <= 66


def test_joined_chats_are_the_ids_of_one_conversation(corpus, tokenizer, tmp_path):
    sequences = prepare(
        corpus, tokenizer, tmp_path / "t", kind="chat", sequence_tokens=160, chats_joined_max=3
    )

    loaded = model.load_tokenizer(tokenizer)
    chats = pq.read_table(corpus / "shards/chat-00000.parquet")["messages"].to_pylist()
    joined = [
        [int(token) for token in row[segments == number] if token != model.PAD_ID]
        for row, segments in zip(sequences.ids_ST, sequences.segments_ST, strict=True)
        for number in np.unique(segments)
    ]
    turns = [ids.count(model.IM_START_ID) for ids in joined if ids]
    assert max(turns) > 2
    assert sum(turns) == sum(len(messages) for messages in chats)
    for ids in filter(None, joined):
        count = ids.count(model.IM_START_ID) // 2
        assert any(
            ids
            == model.encode_chat(loaded, [turn for chat in chats[i : i + count] for turn in chat])
            for i in range(len(chats))
        )


FIRST = 1_000
"""The first of the numbers that stand for chats; no padding among them."""


@given(
    lengths=st.lists(st.integers(1, 17), min_size=1, max_size=120),
    joined_max=st.integers(1, 5),
    opening=st.sets(st.integers(FIRST, FIRST + 120)),
)
def test_every_chat_is_in_exactly_one_conversation_whole_and_in_order(lengths, joined_max, opening):
    packer = Packer(17, joined_max)
    for number, length in enumerate(lengths, start=FIRST):
        packer.add([number] * length, [True] * length, opens=number in opening)

    rows = packer.rows()

    assert all(len(row.ids) == len(row.learned) == len(row.segments) == 17 for row in rows)
    conversations = [
        [
            i
            for i, s in zip(row.ids, row.segments, strict=True)
            if s == segment and i != model.PAD_ID
        ]
        for row in rows
        for segment in set(row.segments)
    ]
    conversations = sorted(ids for ids in conversations if ids)
    assert [i for ids in conversations for i in ids] == [
        number for number, length in enumerate(lengths, start=FIRST) for _ in range(length)
    ]
    assert all(len(set(ids)) <= joined_max for ids in conversations)
    assert all(i == ids[0] for ids in conversations for i in ids if i in opening)
    assert packer.chats == len(lengths)
    for row in rows:
        assert set(row.ids) - {model.PAD_ID} == {FIRST + number for number in row.chats}
    assert packer.conversations == len(conversations)


def test_nothing_is_learned_across_the_edge_of_a_conversation():
    packer = Packer(8, 1)
    packer.add([1, 2, 3], [True, True, True])
    packer.add([4, 5], [True, True])

    assert [row.learned for row in packer.rows()] == [
        [False, True, True, False, True, False, False, False]
    ]
