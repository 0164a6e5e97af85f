"""The corpus as training reads it: nothing lost, nothing learned that should not be."""

import numpy as np
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from hunmin import model
from hunmin.train.tokens import _Packer, prepare


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


@given(lengths=st.lists(st.integers(1, 17), min_size=1, max_size=120))
def test_every_chat_is_in_exactly_one_sequence_whole(lengths):
    packer = _Packer(17, pad_id=0)
    for number, length in enumerate(lengths, start=1):
        packer.add([number] * length, [True] * length)

    rows = packer.rows()

    found = [
        (number, ids.count(number))
        for ids, _, segments in rows
        for number in set(ids) - {0}
        if len({s for i, s in zip(ids, segments, strict=True) if i == number}) == 1
    ]
    assert sorted(found) == list(enumerate(lengths, start=1))
    assert all(len(ids) == len(learned) == len(segs) == 17 for ids, learned, segs in rows)
