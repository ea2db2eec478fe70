from pathlib import Path

from alembic import command
from pydantic import TypeAdapter
from sqlalchemy import create_engine, text

from proctor.adapters import migrations
from proctor.adapters.store import open_engine
from proctor.domain.session import ExamSession


def test_the_migrations_make_the_tables_that_the_code_expects(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "proctor.db")

    migrations.check(engine)  # raises where they differ

    engine.dispose()


def test_a_database_that_is_up_to_date_is_left_as_it_is(tmp_path: Path) -> None:
    open_engine(tmp_path / "proctor.db").dispose()
    before = (tmp_path / "proctor.db").read_bytes()

    open_engine(tmp_path / "proctor.db").dispose()

    assert (tmp_path / "proctor.db").read_bytes() == before


BEFORE_DEVICES = (
    '{"id":"s_1","exam":"short","exam_sha256":"e","policy_sha256":"p","learner":"Ἄδα",'
    '"made_at":"2026-06-01T10:00:00Z","sections":[],"in_order":true,"state":"check-in"}'
)


def test_a_session_of_before_keeps_its_device(tmp_path: Path) -> None:
    database = tmp_path / "proctor.db"
    old = create_engine(f"sqlite:///{database}")
    with old.begin() as tx:
        command.upgrade(migrations._config(tx), "0001")
    with old.begin() as tx:
        for id_ in ("s_1", "s_2"):
            tx.execute(
                text(
                    "INSERT INTO sessions VALUES"
                    " (:id, 'short', 'check-in', 1, 0, :id, 0, X'', :body)"
                ),
                {"id": id_, "body": BEFORE_DEVICES.replace("s_1", id_)},
            )
        tx.execute(text("INSERT INTO devices VALUES ('s_1', 'd_1', 0, 'key', 'desktop', 't')"))
    old.dispose()

    engine = open_engine(database)

    with engine.connect() as tx:
        rows = tx.execute(text("SELECT id, body FROM sessions")).all()
    engine.dispose()
    bodies: dict[str, str] = {row.id: row.body for row in rows}
    session = TypeAdapter(ExamSession).validate_json(bodies["s_1"])
    assert (session.acts, session.lifts, session.termination, session.group) == ((), (), None, "")
    assert session.devices.used is not None
    assert (session.devices.used.id, session.devices.used.kind) == ("d_1", "desktop")
    assert session.learner == "Ἄδα"
    assert bodies["s_2"] == BEFORE_DEVICES.replace("s_1", "s_2")


def test_an_account_of_before_is_for_every_exam(tmp_path: Path) -> None:
    database = tmp_path / "proctor.db"
    old = create_engine(f"sqlite:///{database}")
    with old.begin() as tx:
        command.upgrade(migrations._config(tx), "0005")
    with old.begin() as tx:
        tx.execute(text("INSERT INTO staff VALUES ('bo', 'proctor', 'hash', 0)"))
    old.dispose()

    engine = open_engine(database)

    with engine.connect() as tx:
        (row,) = tx.execute(text("SELECT name, role, exams FROM staff")).all()
    engine.dispose()
    assert tuple(row) == ("bo", "proctor", None)
