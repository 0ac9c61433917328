"""marks of generations: favourite, shared, public, deleted"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:

    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "generation_marks",
        sa.Column("job_seq", big, autoincrement=False, nullable=False),
        sa.Column("account_id", big, nullable=False),
        sa.Column("is_favorite", sa.Boolean(), nullable=False),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=True),
        sa.Column("public_at", sa.Float(precision=53), nullable=True),
        sa.Column("deleted_at", sa.Float(precision=53), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_generation_marks_account_id")),
        sa.ForeignKeyConstraint(["job_seq"], ["jobs.seq"], name=op.f("fk_generation_marks_job_seq")),
        sa.PrimaryKeyConstraint("job_seq", name=op.f("pk_generation_marks")),
        sa.UniqueConstraint("token", name=op.f("uq_generation_marks_token")),
    )
    with op.batch_alter_table("generation_marks", schema=None) as batch_op:
        batch_op.create_index(
            "ix_generation_marks_public",
            ["public_at", "job_seq"],
            unique=False,
            sqlite_where=sa.text("is_public"),
            postgresql_where=sa.text("is_public"),
        )


def downgrade() -> None:

    op.drop_table("generation_marks")
