"""Alembic: one file a revision, in `versions`."""
