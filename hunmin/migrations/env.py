"""What Alembic runs: the chain, on the connection that `run.py` or the generator hands over."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import JSON

from hunmin.db import UtcDateTime


def _render_item(kind: str, item: object, autogen: AutogenContext) -> str | Literal[False]:
    """Write our own types as what they are in the database, so that history stays as it was."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, JSON):
        autogen.imports.add("from sqlalchemy.dialects.postgresql import JSONB")
        return 'sa.JSON().with_variant(JSONB(), "postgresql")'
    return False


attributes: dict[str, Any] = context.config.attributes
context.configure(
    connection=attributes["connection"],
    target_metadata=attributes.get("metadata"),
    render_item=_render_item,
    render_as_batch=attributes.get("batch", True),
    transactional_ddl=True,
)
context.run_migrations()
