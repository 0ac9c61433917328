"""providers and placement"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "breakers",
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=100), nullable=False),
        sa.Column("phase", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("calls", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("unreachable", sa.Integer(), nullable=False),
        sa.Column("trips", sa.Integer(), nullable=False),
        sa.Column("until", sa.Float(precision=53), nullable=False),
        sa.Column("probe_task", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("because", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("provider", "model", "phase", name=op.f("pk_breakers")),
    )
    op.create_table(
        "provider_health",
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=100), nullable=False),
        sa.Column("success", sa.Float(precision=53), nullable=False),
        sa.Column("speed", sa.Float(precision=53), nullable=False),
        sa.Column("at", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("provider", "model", name=op.f("pk_provider_health")),
    )
    op.create_table(
        "schedulers",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("host", sa.String(length=200), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("software", sa.String(length=32), nullable=False),
        sa.Column("lead", sa.SmallInteger(), nullable=True),
        sa.Column("led_since", sa.Float(precision=53), nullable=True),
        sa.Column("beats", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.Float(precision=53), nullable=False),
        sa.Column("seen_at", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_schedulers")),
        sa.UniqueConstraint("lead", name=op.f("uq_schedulers_lead")),
    )
    op.create_table(
        "sorts",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("pool", sa.String(length=32), nullable=False),
        sa.Column("resource", sa.String(length=16), nullable=False),
        sa.Column("requires", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("affinity", sa.String(length=200), nullable=True),
        sa.Column("interactive", sa.Boolean(), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sorts")),
        sa.UniqueConstraint("key", name=op.f("uq_sorts_key")),
    )
    op.create_table(
        "retry_budgets",
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("saved", sa.Float(precision=53), nullable=False),
        sa.Column("at", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_retry_budgets_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_retry_budgets")),
    )
    op.create_table(
        "batch_tallies",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("batch_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("completed", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("cancelled", sa.Integer(), nullable=False),
        sa.Column("held_mc", sa.BigInteger(), nullable=False),
        sa.Column("charged_mc", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.Float(precision=53), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_batch_tallies_batch_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch_tallies")),
    )
    with op.batch_alter_table("batch_tallies", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_batch_tallies_batch_id"), ["batch_id"], unique=False)

    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("brief", sa.Boolean(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("model", sa.String(length=100), nullable=True))
        batch_op.add_column(sa.Column("dropped", sa.Boolean(), server_default="0", nullable=False))
        batch_op.add_column(
            sa.Column(
                "decision",
                sa.JSON(none_as_null=True).with_variant(
                    postgresql.JSONB(
                        none_as_null=True,
                    ),
                    "postgresql",
                ),
                nullable=True,
            )
        )
        batch_op.add_column(sa.Column("retry_after_s", sa.Float(precision=53), nullable=True))

    with op.batch_alter_table("batches", schema=None) as batch_op:
        batch_op.add_column(sa.Column("tallied", sa.Boolean(), server_default="0", nullable=False))

    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("auto_retry", sa.Boolean(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("interactive", sa.Boolean(), server_default="0", nullable=False))

    with op.batch_alter_table("lanes", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "sort_id",
                sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
                server_default="0",
                nullable=False,
            )
        )
        batch_op.add_column(sa.Column("fresh", sa.Boolean(), server_default="0", nullable=False))
        batch_op.drop_index(batch_op.f("ix_lanes_open_served_at"), sqlite_where=sa.text("open"))
        batch_op.drop_index(batch_op.f("ix_lanes_open_vtime"), sqlite_where=sa.text("open"))
        batch_op.drop_constraint(batch_op.f("uq_lanes_account_id_pool_resource"), type_="unique")
        batch_op.create_index(
            "ix_lanes_sort_served_at",
            ["sort_id", "tier", "served_at", "id"],
            unique=False,
            sqlite_where=sa.text("open"),
            postgresql_where=sa.text("open"),
        )
        batch_op.create_index(
            "ix_lanes_sort_vtime",
            ["sort_id", "tier", "vtime", "id"],
            unique=False,
            sqlite_where=sa.text("open"),
            postgresql_where=sa.text("open"),
        )
        batch_op.create_unique_constraint(
            batch_op.f("uq_lanes_account_id_pool_resource_sort_id"),
            ["account_id", "pool", "resource", "sort_id"],
        )

    with op.batch_alter_table("tasks", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "route",
                sa.JSON(none_as_null=True).with_variant(
                    postgresql.JSONB(
                        none_as_null=True,
                    ),
                    "postgresql",
                ),
                nullable=True,
            )
        )
        batch_op.add_column(
            sa.Column(
                "choice",
                sa.JSON(none_as_null=True).with_variant(
                    postgresql.JSONB(
                        none_as_null=True,
                    ),
                    "postgresql",
                ),
                nullable=True,
            )
        )
        batch_op.add_column(sa.Column("parked_for", sa.String(length=64), nullable=True))
        batch_op.create_index(
            "ix_tasks_parked_for",
            ["parked_for"],
            unique=False,
            sqlite_where=sa.text("state = 'waiting' AND parked_for IS NOT NULL"),
            postgresql_where=sa.text("state = 'waiting' AND parked_for IS NOT NULL"),
        )

    with op.batch_alter_table("tiers", schema=None) as batch_op:
        batch_op.add_column(sa.Column("floor", sa.Float(precision=53), server_default="0", nullable=False))
        batch_op.add_column(
            sa.Column("typical_s", sa.Float(precision=53), server_default="0", nullable=False)
        )

    with op.batch_alter_table("workers", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sleep", sa.String(length=200), nullable=True))


def downgrade() -> None:

    with op.batch_alter_table("workers", schema=None) as batch_op:
        batch_op.drop_column("sleep")

    with op.batch_alter_table("tiers", schema=None) as batch_op:
        batch_op.drop_column("typical_s")
        batch_op.drop_column("floor")

    with op.batch_alter_table("tasks", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_tasks_parked_for",
            sqlite_where=sa.text("state = 'waiting' AND parked_for IS NOT NULL"),
            postgresql_where=sa.text("state = 'waiting' AND parked_for IS NOT NULL"),
        )
        batch_op.drop_column("parked_for")
        batch_op.drop_column("choice")
        batch_op.drop_column("route")

    with op.batch_alter_table("lanes", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_lanes_account_id_pool_resource_sort_id"), type_="unique")
        batch_op.drop_index(
            "ix_lanes_sort_vtime", sqlite_where=sa.text("open"), postgresql_where=sa.text("open")
        )
        batch_op.drop_index(
            "ix_lanes_sort_served_at", sqlite_where=sa.text("open"), postgresql_where=sa.text("open")
        )
        batch_op.create_unique_constraint(
            batch_op.f("uq_lanes_account_id_pool_resource"), ["account_id", "pool", "resource"]
        )
        batch_op.create_index(
            batch_op.f("ix_lanes_open_vtime"),
            ["pool", "resource", "tier", "vtime", "id"],
            unique=False,
            sqlite_where=sa.text("open"),
        )
        batch_op.create_index(
            batch_op.f("ix_lanes_open_served_at"),
            ["pool", "resource", "tier", "served_at", "id"],
            unique=False,
            sqlite_where=sa.text("open"),
        )
        batch_op.drop_column("fresh")
        batch_op.drop_column("sort_id")

    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_column("interactive")
        batch_op.drop_column("auto_retry")

    with op.batch_alter_table("batches", schema=None) as batch_op:
        batch_op.drop_column("tallied")

    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.drop_column("retry_after_s")
        batch_op.drop_column("decision")
        batch_op.drop_column("dropped")
        batch_op.drop_column("model")
        batch_op.drop_column("brief")

    with op.batch_alter_table("batch_tallies", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_batch_tallies_batch_id"))

    op.drop_table("batch_tallies")
    op.drop_table("retry_budgets")
    op.drop_table("sorts")
    op.drop_table("schedulers")
    op.drop_table("provider_health")
    op.drop_table("breakers")
