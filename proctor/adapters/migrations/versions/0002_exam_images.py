"""Images that items show, and which device has a session."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "exam_images",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256"),
    )
    # A session had one device at the most, and that one keeps it.
    tx = op.get_bind()
    for session, body, id_, key, kind in tx.execute(
        sa.text(
            "SELECT sessions.id, body, devices.id, key, kind FROM sessions"
            " JOIN devices ON devices.session = sessions.id"
        )
    ).all():
        state = json.loads(body)
        if "devices" not in state:
            state["devices"] = {"admitted": [{"id": id_, "key": key, "kind": kind}], "asks": []}
            after = json.dumps(state, separators=(",", ":"), ensure_ascii=False)
            tx.execute(
                sa.text("UPDATE sessions SET body = :body WHERE id = :id"),
                {"body": after, "id": session},
            )
