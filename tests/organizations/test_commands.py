"""`hunmin organizations`, in one process: what it prints and what it changes."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from hunmin.__main__ import load_command
from hunmin.errors import NameTaken, OrganizationNotFound, UserNotFound


@pytest.fixture
def hunmin(tmp_path, migrated_file):
    """Give `hunmin("organizations", ...)`: the lines it prints; what it refuses is raised."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "hunmin.db").write_bytes(Path(migrated_file).read_bytes())

    def hunmin(name: str, *arguments: str) -> list[str]:
        result = CliRunner().invoke(load_command(name), [*arguments, "--data", str(data)])
        if result.exception is not None:
            raise result.exception
        return result.stdout.splitlines()

    return hunmin


def test_an_organization_is_made_for_its_owner_and_listed(hunmin):
    hunmin("accounts", "create", "다나")
    (made,) = hunmin("organizations", "create", "세종 연구소", "--owner", "다나")

    assert hunmin("organizations", "list") == [f"{made}  세종 연구소"]
    for wanted in (made, "세종 연구소"):
        (member,) = hunmin("organizations", "members", wanted)
        assert member.endswith("다나  owner")
    with pytest.raises(NameTaken):
        hunmin("organizations", "create", "세종 연구소", "--owner", "다나")
    with pytest.raises(UserNotFound):
        hunmin("organizations", "create", "집현전", "--owner", "nobody")
    with pytest.raises(OrganizationNotFound):
        hunmin("organizations", "members", "집현전")
