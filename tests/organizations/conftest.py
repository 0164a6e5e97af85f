"""People of two organizations, for tests of this room."""

from dataclasses import dataclass

import pytest

from hunmin import organizations
from hunmin.act import Actor
from tests.support.desk import app, client, engine, migrated_file  # noqa: F401 (fixtures)
from tests.support.people import make_person  # noqa: F401 (fixtures)


@dataclass(frozen=True)
class Team:
    """An organization with one person of each role, and a project with one of each of its own."""

    id: str
    project_id: str
    owner: Actor
    manager: Actor
    billing: Actor
    member: Actor
    """In the organization and in no project."""
    project_manager: Actor
    developer: Actor
    viewer: Actor

    def actors(self) -> dict[str, Actor]:
        """Return everybody by what they are."""
        return {name: one for name, one in vars(self).items() if isinstance(one, Actor)}


@pytest.fixture
def make_team(act_as, make_person):  # noqa: F811 (the fixture)
    """Give `make_team(name)`: an organization with people, and a project with people."""

    def make_team(name: str) -> Team:
        owner = make_person(f"{name} owner")
        with act_as() as act:
            made = organizations.create_organization(act, name=name, owner_id=owner.user_id)

        def join(who: str, role: str) -> Actor:
            person = make_person(f"{name} {who}".replace("_", " "))
            with act_as(owner) as act:
                link = organizations.invite(act, made.id, role=role)
            with act_as(person) as act:
                organizations.join(act, link)
            return person

        people = {
            "manager": join("manager", "manager"),
            "billing": join("billing", "billing"),
            "member": join("member", "member"),
        }
        with act_as(owner) as act:
            project = organizations.create_project(act, made.id, name=f"{name} project")
        for who, role in (
            ("project_manager", "manager"),
            ("developer", "developer"),
            ("viewer", "viewer"),
        ):
            people[who] = join(who, "member")
            with act_as(owner) as act:
                organizations.add_to_project(
                    act, made.id, project.id, people[who].user_id, role=role
                )
        return Team(id=made.id, project_id=project.id, owner=owner, **people)

    return make_team


@pytest.fixture
def team(make_team) -> Team:
    """Give the organization most tests are about."""
    return make_team("Sejong")
