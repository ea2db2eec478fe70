from pathlib import Path

from proctor.adapters import migrations
from proctor.adapters.store import open_engine


def test_the_migrations_make_the_tables_that_the_code_expects(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "proctor.db")

    migrations.check(engine)  # raises where they differ

    engine.dispose()


def test_a_database_that_is_up_to_date_is_left_as_it_is(tmp_path: Path) -> None:
    open_engine(tmp_path / "proctor.db").dispose()
    before = (tmp_path / "proctor.db").read_bytes()

    open_engine(tmp_path / "proctor.db").dispose()

    assert (tmp_path / "proctor.db").read_bytes() == before
