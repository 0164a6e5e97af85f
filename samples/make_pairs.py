"""Make the preference pairs of the reference model out of the Korean data folder.

    python samples/make_pairs.py DATA_FOLDER

A question, its right answer, and a wrong one: from the train splits of KoBEST; from ParaKQC, which
has sentences in groups of one meaning; and from small talk, where the wrong answer is one to
something else. KoBEST's questions are put in other words than those of the chats they are taken
from. Only short ones are taken, so that a small model can learn from many. The same data folder
gives the same bytes.
"""

import argparse
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from make_sample import HERE, KOBEST, OTHER_FEELING, luck_of, read_rows, write_rows

Row = dict[str, Any]
Pair = tuple[str, str, str]
"""A prompt, its right answer, and a wrong one."""

PARAPHRASES = "instruct/parakqc_paraphrase.jsonl.zst"
SMALL_TALK = "instruct/chatbot_data.jsonl.zst"

_TALKS_MAX = 4_000

_CHARS_MAX = 150
"""Of a prompt and the longer answer: some 90 tokens."""

_OTHER = {"예": "아니오", "아니오": "예"}

_YES_OR_NO = "예 또는 아니오로 답하세요."

_PASSAGES = (
    "다음 글을 읽고 질문에 .+?\n\n글: (.+)\n\n질문: (.+)",
    "아래 지문을 참고해서 .+?\n\n지문: (.+)\n물음: (.+)",
    r"(.+)\n\n위 내용을 바탕으로 답해 주세요\. (.+) \(예/아니오\)",
)
_WORD = '두 문장에 쓰인 "(.+?)"의 뜻이 .+?\n\n1[.] (.+)\n2[.] (.+)'
_CAUSES = (
    "다음 문장의 (원인|결과).+?\n\n문장: (?P<said>.+)\n1[.] (?P<first>.+)\n2[.] (?P<second>.+)",
    '"(?P<said>.+)" 이 문장의 (원인|결과).+?\n1[)] (?P<first>.+)\n2[)] (?P<second>.+)',
)
_STORY = "다음 상황에 .+? 고르세요[.]\n\n(.+)\n\n1[.] (.+)\n2[.] (.+)\n3[.] (.+)\n4[.] (.+)"
_PARAPHRASE = "(?:다음 문장을 .+? 바꿔 주세요: |.+?\n)(.+)"


def boolq(asked: str, answered: str) -> Pair | None:
    """Return a pair of a passage and a yes-or-no question about it."""
    found = _first_match(_PASSAGES, asked)
    if found is None:
        return None
    passage, question = (part.strip() for part in found.groups())
    return f"{passage}\n\n질문: {question}\n{_YES_OR_NO}", answered, _OTHER[answered]


def wic(asked: str, answered: str) -> Pair | None:
    """Return a pair of two sentences with one word, which means the same in both or does not."""
    found = _first_match([_WORD], asked)
    if found is None:
        return None
    word, first, second = (part.strip() for part in found.groups())
    right = "예" if answered.startswith("같은") else "아니오"
    asked = f"문장1: {first}\n문장2: {second}\n두 문장에서 {word}의 뜻이 같은가요?"
    return asked, right, _OTHER[right]


def copa(asked: str, answered: str) -> Pair | None:
    """Return a pair of what happened, and what may have caused it or come of it."""
    found = _first_match(_CAUSES, asked)
    if found is None:
        return None
    joined = "왜냐하면" if "원인" in found.groups() else "그래서"
    first, second = found["first"].strip(), found["second"].strip()
    right, wrong = (first, second) if answered.startswith("1번") else (second, first)
    return f"{found['said'].strip()} {joined}", right, wrong


def hellaswag(asked: str, answered: str) -> Pair | None:
    """Return a pair of how a story begins, and how it may go on: the wrong way is one of three."""
    found = _first_match([_STORY], asked)
    if found is None:
        return None
    story, *endings = (part.strip() for part in found.groups())
    right = endings[int(answered[0]) - 1]
    wrong = min((one for one in endings if one != right), key=luck_of)
    return f"이어서 써 주세요: {story}", right, wrong


def sentineg(asked: str, answered: str) -> Pair | None:
    """Return a pair of a review and the feeling in it, in the words of the chat."""
    return asked, answered, OTHER_FEELING[answered]


TASKS = {
    "kobest_boolq": boolq,
    "kobest_wic": wic,
    "kobest_copa": copa,
    "kobest_hellaswag": hellaswag,
    "kobest_sentineg": sentineg,
}


def from_kobest(rows: list[Row]) -> Iterator[Row]:
    """Yield the pairs of KoBEST's train splits, as rows of a file."""
    for row in rows:
        pair = TASKS[row["task"]](*(turn["content"] for turn in row["messages"]))
        if pair is not None and _fits(pair):
            yield _as_row(row, row["id"], pair)


def from_paraphrases(rows: list[Row]) -> Iterator[Row]:
    """Yield for each sentence whether it means the same as another, of its group or of the next."""
    groups: dict[str, list[tuple[Row, str, str]]] = {}
    for row in rows:
        found = _first_match([_PARAPHRASE], row["messages"][0]["content"])
        if found is not None:
            group = row["id"].split("/")[1]
            said = row["messages"][1]["content"]
            groups.setdefault(group, []).append((row, found[1].strip(), said))
    members = list(groups.values())
    for number, group in enumerate(members):
        others = members[(number + 1) % len(members)]
        for place, (row, sentence, same) in enumerate(group):
            is_same = place % 2 == 0
            second = same if is_same else others[place % len(others)][1]
            right = "예" if is_same else "아니오"
            asked = f"문장 1: {sentence}\n문장 2: {second}\n두 문장은 서로 비슷한 뜻인가요?"
            if _fits((asked, right, _OTHER[right])):
                yield _as_row(row, row["id"], (asked, right, _OTHER[right]))


def from_small_talk(rows: list[Row]) -> Iterator[Row]:
    """Yield what somebody said with its answer, and with the answer to something else."""
    rows = sorted(rows, key=lambda row: luck_of(row["id"]))[: _TALKS_MAX + 1]
    for row, other in pairwise(rows):
        asked, answered = (turn["content"] for turn in row["messages"])
        pair = (asked, answered, other["messages"][1]["content"])
        if _fits(pair) and answered != pair[2]:
            yield _as_row(row, row["id"], pair)


def _fits(pair: Pair) -> bool:
    asked, right, wrong = pair
    return len(asked) + max(len(right), len(wrong)) <= _CHARS_MAX


def _as_row(row: Row, row_id: str, pair: Pair) -> Row:
    asked, right, wrong = pair
    return {
        "id": row_id,
        "prompt": asked,
        "chosen": right,
        "rejected": wrong,
        "source": row["source"],
        "license": row["license"],
    }


def _first_match(forms: Iterable[str], text: str) -> re.Match[str] | None:
    found = (re.fullmatch(form, text, re.DOTALL) for form in forms)
    return next((one for one in found if one), None)


def main() -> None:
    """Write the pairs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="the Korean data folder")
    data: Path = parser.parse_args().data
    made = {
        "kobest": list(from_kobest(list(read_rows(data / KOBEST)))),
        "parakqc": list(from_paraphrases(list(read_rows(data / PARAPHRASES)))),
        "small-talk": list(from_small_talk(list(read_rows(data / SMALL_TALK)))),
    }
    for name, rows in made.items():
        size = write_rows(HERE / "preference" / f"{name}.jsonl.zst", rows)
        print(f"preference/{name}: {len(rows)} rows, {size / 1e3:.0f} kB")  # noqa: T201


if __name__ == "__main__":
    main()
