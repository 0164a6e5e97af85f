"""Canaries: the same from the same seed, never a number that belongs to anybody."""

import json
import math
import re
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from hunmin import privacy
from hunmin.corpus import CanaryConfig, make_canaries, read_canaries
from hunmin.corpus.canaries import CANARIES_NAME, SPACE, draw_canaries, number_at
from hunmin.errors import ManifestBroken, ManifestMissing, OutputExists, WrongInput
from hunmin.manifest import Manifest
from hunmin.steps import open_step

indexes = st.integers(0, SPACE - 1)


def test_the_space_is_large_and_every_number_of_it_is_another():
    assert SPACE == 6 * 8**2 * 1000**3
    assert math.log2(SPACE) > 38
    assert (number_at(0), number_at(SPACE - 1)) == ("3000 2000 2000", "9999 9999 9999")
    assert len({number_at(index) for index in range(0, SPACE, SPACE // 5000)}) == 5000


@given(indexes)
def test_a_number_counts_back_to_its_place(index):
    groups = number_at(index).split()
    firsts = ("345679", "23456789", "23456789")
    places = [f.index(g[0]) * 1000 + int(g[1:]) for f, g in zip(firsts, groups, strict=True)]

    assert (places[0] * 8000 + places[1]) * 8000 + places[2] == index


@given(indexes)
def test_no_number_can_be_that_of_a_person(index):
    """No registration number has twelve digits; a telephone number begins with 0, 1 or 82."""
    number = number_at(index)
    groups = number.split()

    assert re.fullmatch(r"\d{4} \d{4} \d{4}", number)
    assert all(group[0] not in "01" for group in groups)
    assert number[0] not in "0128"
    for ending in ("", " 입니다.", ", 주민등록번호"):
        for beginning in ("등록 번호는 ", "주민등록번호 ", "전화 ", "카드 "):
            assert privacy.find(f"{beginning}{number}{ending}") == []
            assert privacy.find(f"{beginning}{number.replace(' ', '')}{ending}") == []


@settings(max_examples=20)
@given(seed=st.text(min_size=1, max_size=20), each=st.integers(1, 9), controls=st.integers(1, 9))
def test_every_canary_begins_in_its_own_way(seed, each, controls):
    config = CanaryConfig(seed=seed, repeats=(1, 5), canaries_each=each, controls=controls)
    canaries = draw_canaries(config)

    assert [canary.repeats for canary in canaries] == [0] * controls + [1] * each + [5] * each
    assert len({canary.prefix for canary in canaries}) == config.count
    assert len({canary.id for canary in canaries}) == config.count
    assert all(privacy.find(canary.text) == [] for canary in canaries)
    assert draw_canaries(config) == canaries


def test_the_seed_decides_every_number():
    one, other = (draw_canaries(CanaryConfig(seed=seed)) for seed in ("one", "other"))

    assert not {canary.number for canary in one} & {canary.number for canary in other}


def test_the_folder_tells_how_many_and_keeps_the_seed_to_itself(tmp_path):
    config = CanaryConfig(seed="아무도 모르는 말", repeats=(1, 3), canaries_each=2, controls=4)
    manifest = make_canaries(config, tmp_path / "canaries")

    assert manifest.facts == {"canaries": 4, "controls": 4, "documents": 8, "space": SPACE}
    (source,) = manifest.sources
    assert (source.name, source.license, source.documents) == ("canaries", "CC0-1.0", 8)
    assert config.seed not in (tmp_path / "canaries/manifest.json").read_text("utf-8")
    canaries = read_canaries(tmp_path / "canaries")
    assert canaries == draw_canaries(config)
    assert source.text_bytes == sum(c.repeats * len(c.text.encode()) for c in canaries)


def test_canaries_are_made_once_and_never_replaced_by_others(tmp_path):
    out = tmp_path / "canaries"
    first = make_canaries(CanaryConfig(seed="one"), out)

    assert make_canaries(CanaryConfig(seed="one"), out) == first
    with pytest.raises(OutputExists):
        make_canaries(CanaryConfig(seed="other"), out)


def test_what_is_not_whole_canaries_is_refused(tmp_path):
    with pytest.raises(ManifestMissing):
        read_canaries(tmp_path / "nowhere")
    with open_step(tmp_path / "corpus", kind="corpus", name="c", recipe={}) as step:
        step.finish(facts={})
    with pytest.raises(WrongInput):
        read_canaries(tmp_path / "corpus")
    out = tmp_path / "canaries"
    make_canaries(CanaryConfig(seed="one"), out)
    lines = (out / CANARIES_NAME).read_text("utf-8").splitlines()
    plain = json.loads(lines[-1]) | {"number": "3000 2000 2000"}
    (out / CANARIES_NAME).write_text("\n".join([*lines[:-1], json.dumps(plain)]), "utf-8")
    with pytest.raises(ManifestBroken, match=r"canaries\.jsonl"):
        read_canaries(out)
    (out / CANARIES_NAME).unlink()
    with pytest.raises(ManifestBroken, match="missing"):
        read_canaries(out)


@pytest.mark.parametrize(
    "wrong",
    [{"seed": ""}, {"repeats": ()}, {"repeats": (4, 1)}, {"repeats": (0, 1)}, {"controls": 999}],
)
def test_a_plan_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValidationError):
        CanaryConfig(**({"seed": "one"} | wrong))


def test_the_command_makes_the_folder_of_the_same_seed(tmp_path):
    words = ["corpus", "canaries", "--seed", "one", "--repeats", "2,8", "--each", "3"]
    command = [sys.executable, "-m", "hunmin", *words, "--out", str(tmp_path / "canaries")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path / 'canaries'}\n"
    config = CanaryConfig(seed="one", repeats=(2, 8), canaries_each=3)
    assert read_canaries(tmp_path / "canaries") == draw_canaries(config)
    assert Manifest.read(tmp_path / "canaries").kind == "canaries"


@pytest.mark.parametrize("counts", ["", "1;2", "4,1"])
def test_counts_that_make_no_sense_are_refused_at_the_terminal(tmp_path, counts):
    from typer.testing import CliRunner

    from hunmin.corpus.commands import corpus

    done = CliRunner().invoke(
        corpus, ["canaries", "--seed", "one", "--repeats", counts, "--out", str(tmp_path / "out")]
    )

    assert done.exit_code == 2
    assert not (tmp_path / "out").exists()
