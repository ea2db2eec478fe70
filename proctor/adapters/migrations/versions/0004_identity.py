"""What a machine read at check-in, and what was raised of two accounts."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "id_readings",
        sa.Column("session", sa.String(), nullable=False),
        sa.Column("programme", sa.String(), nullable=False),
        sa.Column("at_ms", sa.Integer(), nullable=False),
        sa.Column("face_sha256", sa.String(), nullable=False),
        sa.Column("number_hmac", sa.LargeBinary(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("session"),
    )
    op.create_index("ix_id_readings_programme", "id_readings", ["programme"])
    op.create_index("ix_id_readings_number_hmac", "id_readings", ["number_hmac"])
    op.create_table(
        "id_raised",
        sa.Column("session", sa.String(), nullable=False),
        sa.Column("other", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("at_ms", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("session", "other", "why"),
    )
