"""Alembic's environment: the schema's history, one file per change."""
