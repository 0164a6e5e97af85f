"""The one Alembic chain of the whole house, and how a database is brought along it.

`python -m hunmin.migrations "accounts: Keep the language of a person"` writes the next file from
the difference between the chain and the tables, to be read and corrected by a person.
"""
