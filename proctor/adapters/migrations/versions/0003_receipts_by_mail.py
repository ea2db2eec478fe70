"""Where a session's receipt is mailed to, and whether it was."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for column in (
        sa.Column("email", sa.String(), nullable=False, server_default=""),
        sa.Column("receipt_mailed", sa.Boolean(), nullable=False, server_default=sa.false()),
    ):
        op.add_column("sessions", column)
