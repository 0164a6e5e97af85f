"""`python -m hunmin.migrations MESSAGE`: write the next migration from what the tables say."""

import pprint
import subprocess
import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.script import Script, ScriptDirectory

from hunmin.audit import append_only
from hunmin.db import open_database
from hunmin.migrations.run import chain_config, upgrade
from hunmin.migrations.tables import all_tables

_END = "    # ### end Alembic commands ###\n"


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
            config.attributes.update(connection=connection, metadata=all_tables(), batch=count > 0)
            script = command.revision(
                config, f"{message}.", autogenerate=True, rev_id=f"{count + 1:04}"
            )
        database.close()
    assert isinstance(script, Script)
    path = Path(script.path)
    if count == 0:
        _refuse_changes_of_the_log(path)
    for tool in (["check", "--fix", "--quiet"], ["format", "--quiet"]):
        subprocess.run([sys.executable, "-m", "ruff", *tool, str(path)], check=False)  # noqa: S603
    sys.stdout.write(f"{path}: read it, correct it, and run the tests.\n")


def _refuse_changes_of_the_log(path: Path) -> None:
    """Write the triggers of the audit log, which autogeneration does not see, into a migration."""
    refusals = {dialect: append_only.statements(dialect) for dialect in ("sqlite", "postgresql")}
    head, up, down = path.read_text("utf-8").split(_END)
    path.write_text(
        head.replace(
            "def upgrade", f"REFUSALS = {pprint.pformat(refusals, width=90)}\n\n\ndef upgrade", 1
        )
        + "    for statement in REFUSALS[op.get_bind().dialect.name]:\n"
        + "        op.execute(statement)\n"
        + up
        + '    if op.get_bind().dialect.name == "postgresql":\n'
        + '        op.execute("DROP FUNCTION audit_refuse_change()")\n'
        + down,
        "utf-8",
    )


if __name__ == "__main__":
    main()
