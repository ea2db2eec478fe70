"""Four kills are tried at every check, a hundred by `make crash`."""

from pathlib import Path

import pytest

from tests.sim.crash import crash


@pytest.mark.slow
def test_no_receipted_record_is_lost_to_kill_9(tmp_path: Path) -> None:
    found, killed = crash(4, seed=20261121, folder=tmp_path, real_client=True)

    assert found.wrong == []
    assert sum(count for name, count in killed.items() if "finished" not in name) == 4
    assert found.receipts > 0
    assert found.pictures > 0
    assert found.bundles > 0
