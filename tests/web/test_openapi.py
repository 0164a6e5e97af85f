"""What OpenAPI promises of pages and their JSON twins is kept, whatever is sent.

The API under /v1 has a test of its own in `tests/gateway`.
"""

import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from hunmin.errors import BodyTooLarge
from tests.support.desk import sign_in, stranger
from tests.support.serving import serve

CASES_MAX = 5
FILE_PART = re.compile(rb'name="file"; filename="')
SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


@pytest.fixture
def address(app) -> Iterator[str]:
    """Give the address of a live server."""
    with serve(app) as address:
        yield address


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_the_service_answers_as_its_openapi_says(app, address, mode):
    """Well-formed and malformed requests at every address, by a person who is signed in."""
    client = sign_in(stranger(app), "dana", "administrator")
    cookie = f"hunmin_session={client.cookies['hunmin_session']}"
    schema = schemathesis.openapi.from_dict(pages_only(app.openapi()))
    schema.config.update(base_url=address)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 20

    broken = {}
    for operation in operations:
        try:
            check_operation(operation.as_strategy(generation_mode=mode), cookie)
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE  # it takes nothing that could be wrong
        except BaseExceptionGroup as error:
            broken[f"{operation.method} {operation.path}"] = str(error.exceptions)
    assert broken == {}


def pages_only(document: dict[str, Any]) -> dict[str, Any]:
    """Return a description without the API, and without what would sign the tester out.

    The cookie is sent with everything, so it is not left to be generated.
    """
    signs_out = ("/sign-out", "/account/sessions/", "/account/second-factor/remove")
    left_out = ("/v1/", "/sign-in", *signs_out)
    kept: dict[str, Any] = copy.deepcopy(document)
    for path, operations in document["paths"].items():
        if path.startswith(left_out) and not path.endswith(".json"):
            del kept["paths"][path]
            continue
        for method in operations:
            kept["paths"][path][method].pop("security", None)
    return kept


def check_operation(cases: st.SearchStrategy[schemathesis.Case], cookie: str) -> None:
    """Send some requests of one operation, and fail where an answer is not announced."""

    @settings(
        max_examples=CASES_MAX,
        phases=[Phase.generate],
        suppress_health_check=SLOW,
        deadline=None,
        database=None,
    )
    @given(case=cases)
    def keep(case: schemathesis.Case) -> None:
        answer = case.call(headers={"Cookie": cookie})
        # A schema cannot say that words must be more than blanks, so some of what fits it is
        # refused; and a body too long to be read is refused with 413. In a form of several parts
        # a number that should have been a file is sent as a file of its digits.
        left_out = [positive_data_acceptance]
        sent = answer.request.body or b""
        is_file_after_all = isinstance(sent, bytes) and FILE_PART.search(sent) is not None
        if answer.status_code == BodyTooLarge.status or is_file_after_all:
            left_out.append(negative_data_rejection)
        case.validate_response(answer, excluded_checks=left_out)

    keep()
