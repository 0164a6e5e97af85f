"""An organization with a project and two keys, for tests of this room."""

from dataclasses import dataclass

import pytest

from hunmin import accounts, organizations
from hunmin.act import Actor
from tests.organizations.conftest import make_person, make_team, team  # noqa: F401 (fixtures)
from tests.support.desk import app, client, engine, migrated_file  # noqa: F401 (fixtures)


@dataclass(frozen=True)
class Programs:
    """Two keys of one project, and one of another project of the same organization."""

    one: Actor
    two: Actor
    elsewhere: Actor


@pytest.fixture
def programs(act_as, team) -> Programs:  # noqa: F811 (the fixture)
    """Give programs of a team: what acts with its keys."""

    def make(project_id: str, name: str) -> Actor:
        with act_as(team.owner) as act:
            _, made = organizations.create_service_account(act, team.id, project_id, name=name)
        with act_as() as act:
            found = accounts.find_actor_by_key(act, made.secret)
        assert found is not None
        return found

    with act_as(team.owner) as act:
        other = organizations.create_project(act, team.id, name="elsewhere")
    return Programs(
        one=make(team.project_id, "one"),
        two=make(team.project_id, "two"),
        elsewhere=make(other.id, "three"),
    )
