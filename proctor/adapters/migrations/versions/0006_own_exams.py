"""Which exams an account of the staff is for: all of them, for accounts of before."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("staff", sa.Column("exams", sa.String(), nullable=True))
