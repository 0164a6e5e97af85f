"""Manifests: what was made from what, in bytes that do not change."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin.errors import ManifestBroken, ManifestMissing, WrongInput
from hunmin.manifest import (
    LINEAGE_NAME,
    MANIFEST_NAME,
    Manifest,
    SourceRecord,
    ancestor,
    ancestors,
    file_sha256,
    manifest_sha256,
    verify_files,
)
from hunmin.steps import open_step


@pytest.fixture
def folder(tmp_path):
    """Give a finished corpus of two files."""
    with open_step(tmp_path / "corpus", kind="corpus", name="corpus", recipe={"seed": 1}) as step:
        (step.folder / "a.txt").write_text("가")
        (step.folder / "b.txt").write_text("나")
        step.finish(facts={"documents": 2}, sources=[SourceRecord(name="s", license="MIT")])
    return tmp_path / "corpus"


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(recipe=st.dictionaries(st.text(max_size=5), plain, max_size=4))
def test_what_is_written_is_read_back_and_written_alike(recipe):
    manifest = Manifest(kind="corpus", name="x", made_at="2026-10-09T12:00:00+00:00", recipe=recipe)

    again = Manifest.model_validate_json(manifest.to_bytes())

    assert again == manifest
    assert again.to_bytes() == manifest.to_bytes()


def test_a_manifest_is_told_by_its_hash_and_kind(folder):
    assert manifest_sha256(folder) == file_sha256(folder / MANIFEST_NAME)
    assert Manifest.read(folder, kind="corpus").facts == {"documents": 2}
    with pytest.raises(WrongInput) as refusal:
        Manifest.read(folder, kind="tokenizer")
    assert "corpus" in refusal.value.en
    assert "tokenizer" in refusal.value.ko


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"kind": "cake"}', b"\xff\xfe"])
def test_a_manifest_that_is_none_is_said(tmp_path, content):
    (tmp_path / MANIFEST_NAME).write_bytes(content)

    with pytest.raises(ManifestBroken):
        Manifest.read(tmp_path)


def test_a_folder_without_one_is_said(tmp_path):
    for ask in (Manifest.read, manifest_sha256, verify_files):
        with pytest.raises(ManifestMissing):
            ask(tmp_path)


def test_a_changed_or_lost_file_is_named(folder):
    assert verify_files(folder).name == "corpus"
    (folder / "b.txt").write_text("다")
    with pytest.raises(ManifestBroken, match=r"b\.txt"):
        verify_files(folder)
    (folder / "b.txt").unlink()
    with pytest.raises(ManifestBroken, match="missing"):
        verify_files(folder)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("name", ["a.txt", "b.txt"])
def test_of_those_who_share_the_checking_one_sees_a_changed_file(folder, name, count):
    (folder / name).write_text("다")
    seen = 0
    for number in range(count):
        try:
            verify_files(folder, share=(number, count))
        except ManifestBroken:
            seen += 1

    assert seen == 1


def test_a_copy_in_the_lineage_is_believed_only_with_its_hash(folder, tmp_path):
    with open_step(
        tmp_path / "out", kind="tokenizer", name="out", recipe={}, inputs={"corpus": folder}
    ) as step:
        step.finish(facts={})
    out, sha256 = tmp_path / "out", manifest_sha256(folder)
    assert ancestor(out, sha256).name == "corpus"
    assert [manifest.name for _, manifest in ancestors(out)] == ["corpus"]

    copy = out / LINEAGE_NAME / f"{sha256}.json"
    said = json.loads(copy.read_bytes())
    said["sources"][0]["license"] = "CC0-1.0"
    copy.write_text(json.dumps(said))
    with pytest.raises(ManifestBroken):
        ancestor(out, sha256)
    copy.unlink()
    with pytest.raises(ManifestMissing):
        ancestor(out, sha256)
