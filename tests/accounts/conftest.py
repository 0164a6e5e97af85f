"""People, and the application they come to."""

from tests.support.desk import app, client, engine, migrated_file  # noqa: F401 (fixtures)
from tests.support.people import make_person  # noqa: F401 (fixtures)
