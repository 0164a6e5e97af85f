"""Alerts: told once to the address of the settings, seen by whoever pays."""

from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from hunmin import billing
from hunmin.audit.tables import EventRow
from hunmin.billing import usage_queries
from hunmin.billing.jobs import post_alert
from hunmin.errors import AlertUnsent, RoleNeeded, SettingWrong
from hunmin.settings import Settings
from hunmin.worker import Job
from hunmin.worker.tables import JobRow
from tests.billing.asking import ask, end


@pytest.fixture
def listening():
    """Give the address of something that takes alerts, and what it was told."""
    told: list[bytes] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(500 if self.path == "/broken" else 204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Listener) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", told
        server.shutdown()
        thread.join()


@pytest.fixture
def alerted(database, act_as, noon, team, programs) -> str:
    """Have a budget used up by half, and return its id."""
    with act_as(team.owner) as act:
        budget_id = billing.set_budget(
            act, team.id, unit="tokens", amount=100, period="month", hard=False
        )
    end(database, ask(database, programs.one, now=noon), prompt=10, completion=40, now=noon)
    return budget_id


def test_the_address_is_told_the_budget_and_the_percentage_alone(database, alerted, listening):
    address, told = listening
    with database.session() as session:
        row = session.query(JobRow).filter_by(handler="billing.alert.post").one()
        arguments = dict(row.arguments)
    job = Job("j", "billing.alert.post", arguments, 1, "r", database, Settings.load())
    post_alert(job)
    assert told == []

    post_alert(replace(job, settings=Settings.load(alerts__webhook_url=address)))
    assert told == [b'{"budget_id": "%s", "percent": 50}' % alerted.encode()]
    broken = Settings.load(alerts__webhook_url=f"{address}/broken")
    with pytest.raises(AlertUnsent):
        post_alert(replace(job, settings=broken))
    gone = Settings.load(alerts__webhook_url="http://127.0.0.1:9/alert")
    with pytest.raises(AlertUnsent):
        post_alert(replace(job, settings=gone))


def test_what_is_no_address_is_refused_at_the_start():
    for wrong in ("ftp://example.kr/alert", "example.kr", "https://"):
        with pytest.raises(SettingWrong):
            Settings.load(alerts__webhook_url=wrong)


def test_whoever_pays_says_that_they_saw_the_alerts(database, act_as, team, alerted):
    with act_as(team.manager) as act, pytest.raises(RoleNeeded):
        billing.see_alerts(act, team.id)
    with act_as(team.billing) as act:
        (before,) = usage_queries.budgets_of(act, team.id)
        billing.see_alerts(act, team.id)
        billing.see_alerts(act, team.id)
        (after,) = usage_queries.budgets_of(act, team.id)
    assert before.spending.budget_id == alerted
    assert [alert.percent for alert in before.unseen] == [50]
    assert (after.unseen, len(after.alerts)) == ([], 1)
    with database.session() as session:
        (event,) = session.query(EventRow).filter_by(kind="billing.alert.see")
        assert event.details == {"alerts": 1}
