"""`python -m hunmin.migrations MESSAGE`: write the next migration from what the tables say."""

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory

from hunmin.db import open_database
from hunmin.migrations.run import chain_config, upgrade
from hunmin.migrations.tables import all_tables


def main() -> None:
    """Compare an empty database walked to the end of the chain with the tables."""
    message = " ".join(sys.argv[1:])
    if not message:
        sys.exit('usage: python -m hunmin.migrations "room: What changes"')
    config = chain_config()
    count = len(list(ScriptDirectory.from_config(config).walk_revisions()))
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(f"sqlite:///{Path(folder) / 'empty.db'}")
        upgrade(database.engine)
        with database.engine.begin() as connection:
            config.attributes.update(connection=connection, metadata=all_tables())
            command.revision(config, message, autogenerate=True, rev_id=f"{count + 1:04}")
        database.close()


if __name__ == "__main__":
    main()
