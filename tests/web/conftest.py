"""The whole application on a scripted engine."""

from tests.support.desk import app, client, engine, migrated_file  # noqa: F401 (fixtures)
