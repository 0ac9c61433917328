"""Run by alembic: applies revisions on the connection that farm.store.schema_version hands it."""

from alembic import context

from farm.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=False,
    render_as_batch=True,
)
context.run_migrations()
