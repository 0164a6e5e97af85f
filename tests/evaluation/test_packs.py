"""Task packs: what ships is whole, and what a user brings is refused with the reason."""

import json

import pytest

from hunmin.errors import TaskBroken, TaskDataMissing, TaskUnknown
from hunmin.evaluation.packs import DEFAULT_PACKS, all_tasks, choose_tasks, load_task, read_pack
from tests.evaluation.conftest import write_lines

ITEMS = {
    "kobest_boolq": {
        "context": "바다는 짜다.",
        "question": "바다는 짠가?",
        "choices": ["아니오", "예"],
        "answer": 1,
    },
    "kobest_copa": {
        "premise": "비가 왔다.",
        "question": "결과",
        "choices": ["땅이 말랐다.", "땅이 젖었다."],
        "answer": 1,
    },
    "kobest_hellaswag": {
        "context": "공을 던진다.",
        "choices": ["받는다.", "놓친다.", "찬다.", "친다."],
        "answer": 0,
    },
    "kobest_sentineg": {"text": "좋아요", "choices": ["부정", "긍정"], "answer": 1},
    "kobest_wic": {
        "word": "배",
        "sentence1": "[배]를 탔다.",
        "sentence2": "[배]를 먹었다.",
        "choices": ["아니오", "예"],
        "answer": 0,
    },
    "klue_sts": {"sentence1": "친절했다.", "sentence2": "매우 친절했다.", "score": 4, "answer": 1},
    "korsts": {"sentence1": "말을 탄다.", "sentence2": "소를 탄다.", "score": 2.5},
    "kornli_xnli": {
        "premise": "비가 온다.",
        "hypothesis": "맑다",
        "choices": ["entailment", "neutral", "contradiction"],
        "answer": 2,
    },
    "kobbq": {
        "context": "둘이 만났다.",
        "question": "누가 먼저 왔는가?",
        "choices": ["형", "동생", "알 수 없음"],
        "answer": 2,
        "biased": 1,
        "kind": ["amb", "bsd"],
    },
    "jhe_enko": {"en": "Hello.", "ko": "안녕."},
    "ntrex_enko": {"en": "Hello.", "ko": "안녕."},
    "ntrex_koen": {"en": "Hello.", "ko": "안녕."},
}
"""One item of each shipped task, as its data file has them."""


@pytest.fixture
def data(tmp_path):
    """Return a data folder with one item for each shipped task."""
    folder = tmp_path / "data"
    folder.mkdir()
    for task in all_tasks(None):
        write_lines(folder / task.missing, [{"id": f"{task.name}/0", **ITEMS[task.name]}])
    return folder


def test_every_shipped_task_loads_and_asks_its_question(data):
    tasks = all_tasks(data)

    assert {task.name for task in tasks} == set(ITEMS)
    for task in tasks:
        loaded = load_task(task)
        doc = loaded.eval_docs[0]
        assert "{{" not in loaded.doc_to_text(doc)
        assert task.metadata["primary"] in loaded.aggregation()
        assert task.metadata["title_ko"]
        assert task.metadata["title_en"]
        assert task.metadata["license"]


@pytest.mark.parametrize(
    ("name", "prompt", "answers"),
    [
        ("kobest_boolq", "바다는 짜다. 질문: 바다는 짠가? 답변: ", ["아니오", "예"]),
        ("kobest_copa", "비가 왔다.  그래서", ["땅이 말랐다.", "땅이 젖었다."]),
        ("kobest_hellaswag", "문장: 공을 던진다.", ["받는다.", "놓친다.", "찬다.", "친다."]),
        ("kobest_sentineg", "문장: 좋아요 긍부정:", ["부정", "긍정"]),
        (
            "kobest_wic",
            "문장1: [배]를 탔다. 문장2: [배]를 먹었다. 두 문장에서 배가 같은 뜻으로 쓰였나?",
            ["아니오", "예"],
        ),
    ],
)
def test_kobest_is_asked_word_for_word_as_in_the_harness(data, name, prompt, answers):
    ((task,), _) = choose_tasks([name], data)
    loaded = load_task(task)
    doc = loaded.eval_docs[0]

    assert loaded.doc_to_text(doc) == prompt
    assert loaded.doc_to_choice(doc) == answers
    assert loaded.doc_to_target(doc) == doc["answer"]


def test_a_pack_name_stands_for_its_tasks(data):
    tasks, _ = choose_tasks(["kobest"], data)

    assert {task.pack for task in tasks} == {"kobest"}
    assert len(tasks) == 5


def test_without_names_the_default_packs_are_run_and_missing_data_is_told(data):
    (data / "kobbq.part1.jsonl").unlink()

    tasks, left_out = choose_tasks([], data)

    assert {task.pack for task in tasks} == set(DEFAULT_PACKS) - {"kobbq"}
    assert left_out == {"kobbq": "kobbq.part1.jsonl not found"}


def test_a_task_asked_for_by_name_needs_its_data(data):
    (data / "kobbq.part1.jsonl").unlink()

    with pytest.raises(TaskDataMissing) as refusal:
        choose_tasks(["kobbq"], data)

    assert "kobbq.part1.jsonl" in refusal.value.en
    assert "--data" in refusal.value.en


def test_a_task_named_twice_is_run_once(data):
    tasks, _ = choose_tasks(["kobest_copa", "kobest"], data)

    assert [task.name for task in tasks].count("kobest_copa") == 1


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(TaskUnknown, match="kobest_copa"):
        choose_tasks(["kobest_cpoa"], None)


def test_a_folder_without_tasks_is_unknown(tmp_path):
    with pytest.raises(TaskUnknown):
        choose_tasks([str(tmp_path)], None)


def test_a_users_own_pack_is_a_folder_with_its_data_beside(make_pack):
    tasks, _ = choose_tasks([str(make_pack())], None)

    assert [task.name for task in tasks] == ["endings", "writing", "yes_or_no"]
    assert {task.pack for task in tasks} == {"pack"}


def test_data_beside_the_task_goes_before_the_data_folder(make_pack, tmp_path):
    pack = make_pack("endings")
    other = tmp_path / "other"
    other.mkdir()
    write_lines(other / "endings.jsonl", [{"id": "wrong"}])

    (task,) = read_pack(pack, other)

    assert task.data["test"].parent == pack


@pytest.mark.usefixtures("socket_disabled")
def test_an_evaluation_asks_no_network(make_pack):
    (task,) = read_pack(make_pack("endings"), None)

    assert len(load_task(task).eval_docs) == 40


def test_nothing_is_cached_outside(make_pack, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (task,) = read_pack(make_pack("endings"), None)

    load_task(task)

    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("not json\n", "line 41 is not JSON"),
        ("[1, 2]\n", "line 41 is not an object"),
        ("[" * 100_000, "line 41 is not JSON"),
    ],
)
def test_a_line_that_is_no_item_is_named(make_pack, line, reason):
    pack = make_pack("endings")
    with (pack / "endings.jsonl").open("a") as stream:
        stream.write(line)
    (task,) = read_pack(pack, None)

    with pytest.raises(TaskBroken, match=reason):
        load_task(task)


def test_empty_data_is_refused(make_pack):
    pack = make_pack("endings")
    (pack / "endings.jsonl").write_text("\n\n")
    (task,) = read_pack(pack, None)

    with pytest.raises(TaskBroken, match="is empty"):
        load_task(task)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("dataset_path: json", "dataset_path: skt/kobest_v1"),
        ("task: endings", "tusk: endings"),
        ("task: endings", "task: [endings"),
        ("    test: endings.jsonl", "    - endings.jsonl"),
    ],
)
def test_a_file_that_is_no_local_task_is_named(make_pack, old, new):
    pack = make_pack("endings")
    path = pack / "endings.yaml"
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")

    with pytest.raises(TaskBroken, match=r"endings\.yaml"):
        read_pack(pack, None)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("문장: {{context}}", "문장: {{kontext}}"),
        ("문장: {{context}}", "문장: {{context"),
        ("output_type: multiple_choice", "output_type: essay"),
        ("metric: acc_norm", "metric: not_a_metric"),
        ("aggregation: mean", "aggregation: !function nowhere.at_all"),
    ],
)
@pytest.mark.usefixtures("socket_disabled")
def test_a_task_that_makes_no_sense_is_one_clear_error(make_pack, old, new):
    pack = make_pack("endings")
    path = pack / "endings.yaml"
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")

    with pytest.raises(TaskBroken):
        load_task(read_pack(pack, None)[0])


def test_a_group_file_in_a_pack_is_no_task_of_its_own(make_pack):
    pack = make_pack("endings")
    (pack / "_all.yaml").write_text(json.dumps({"group": "all", "task": ["endings"]}))

    assert [task.name for task in read_pack(pack, None)] == ["endings"]
