"""What a search of one person's conversations costs without an index of words.

    python benchmarks/history_search.py > result.json

One person has 20,000 messages of about 0.9 kB on SQLite, another as many: they must not matter.
Each search is asked several times; the processor time of one is reported, which a busy machine
changes less than the time on the clock. The searches: words that stand in one message and in
none, initial consonants alone and mixed with syllables, and the list without a search.
Needs no network. Data goes to stdout, progress to stderr.
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from hunmin import accounts, chat
from hunmin.act import SYSTEM, Actor, open_act
from hunmin.chat import rules
from hunmin.chat.tables import ConversationRow, MessageRow
from hunmin.db import Database, new_id, open_database

MESSAGES_EACH = 40
"""Messages of one conversation."""

MESSAGE_CHARACTERS = 330
"""Korean characters of one message: about 0.9 kB."""

TEXTS = 400
"""Different texts, from which messages are drawn."""

SEARCHES = {
    "the list": "",
    "words of one message": "훈민정음 해례본",
    "words of none": "없는 낱말",
    "initials of one message": "ㅎㅁㅈㅇㅎㄹㅂ",
    "initials of none": "ㅋㅌㅋㅌㅋㅌ",
    "initials and a syllable": "훈ㅁㅈㅇㅎㄹ",
}

NOW = datetime(2026, 1, 1, tzinfo=UTC)

initials = cache(rules.initials)


def main() -> None:
    """Fill a database and ask it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--times", type=int, default=7)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(f"sqlite:///{Path(folder) / 'history.db'}")
        database.migrate()
        for name in ("dana", "mino"):
            actor = fill(database, name, wanted.messages)
        found = {
            kind: measure(database, actor, words, times=wanted.times)
            for kind, words in SEARCHES.items()
        }
        database.close()
    json.dump({"messages": wanted.messages, "searches": found}, sys.stdout, indent=1)
    sys.stdout.write("\n")


def fill(database: Database, name: str, messages: int) -> Actor:
    """Give an account conversations of drawn syllables, and one that speaks of Hangul."""
    draw = random.Random(name)  # noqa: S311 (no secret)
    drawn = [speak(draw) for _ in range(TEXTS)]
    with open_act(database, SYSTEM) as act:
        user = accounts.create_user(act, name=name)
    for number in range(messages // MESSAGES_EACH):
        sys.stderr.write(f"\r{name}: {number * MESSAGES_EACH:,} of {messages:,} messages")
        with database.session(synced=False) as session:
            row = conversation(user.id, "대화", NOW + timedelta(minutes=number))
            session.add(row)
            session.flush()
            texts = draw.choices(drawn, k=MESSAGES_EACH)
            if number == messages // MESSAGES_EACH // 2:
                texts[3] = "훈민정음 해례본은 1446년에 나왔습니다."
            session.add_all(message(row, text) for text in texts)
    sys.stderr.write("\n")
    return Actor(user_id=user.id)


def speak(draw: random.Random) -> str:
    """Return words of drawn syllables."""
    letters = [chr(draw.randint(ord("가"), ord("힣"))) for _ in range(MESSAGE_CHARACTERS)]
    return "".join(letter + (" " if draw.random() < 1 / 4 else "") for letter in letters)


def conversation(owner_id: str, title: str, used_at: datetime) -> ConversationRow:
    """Return a conversation, not yet with its messages."""
    return ConversationRow(
        id=new_id(),
        owner_id=owner_id,
        title=title,
        title_initials=rules.initials(title),
        created_at=used_at,
        updated_at=used_at,
        system_prompt="",
    )


def message(row: ConversationRow, text: str) -> MessageRow:
    """Return a message that was sent."""
    return MessageRow(
        id=new_id(),
        conversation_id=row.id,
        role="user",
        text=text,
        initials=initials(text),
        state="whole",
        created_at=NOW,
        saved_at=NOW,
    )


def measure(database: Database, actor: Actor, words: str, *, times: int) -> dict[str, float]:
    """Return the middle processor time of a search in milliseconds, and how much it found."""
    taken: list[float] = []
    found = 0
    for _ in range(times):
        with open_act(database, actor, read_only=True) as act:
            began = time.process_time()
            found = len(chat.list_conversations(act, search=words).conversations)
            taken.append((time.process_time() - began) * 1000)
    return {"cpu_ms": round(statistics.median(taken), 1), "found": found}


if __name__ == "__main__":
    main()
