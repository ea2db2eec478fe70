"""What a flag is explained by, before and after people have decided."""

import pytest

from proctor.domain.flag_words import decided_words

SEEN = "In 3 snapshots, up to 2 people could be seen; at most 1 person is expected."
LOOKS = "A person will look at it before anything is concluded."
LIKENESS = "The program can be wrong. Nothing follows from it by itself"
NOT_BY_ITSELF = "People looked at the whole exam, and judged nothing by this."
DARK = "In 3 snapshots, there was too little light for the camera. This is not held against you."


@pytest.mark.parametrize(
    ("before", "judged", "after"),
    [
        pytest.param(f"{SEEN} {LOOKS}", True, SEEN, id="what was made of it stands beside it"),
        pytest.param(f"{SEEN} {LOOKS}", False, f"{SEEN} {NOT_BY_ITSELF}", id="not by itself"),
        pytest.param(
            f"{LIKENESS}: a person compares the pictures.",
            True,
            f"{LIKENESS}.",
            id="pictures were compared",
        ),
        pytest.param(
            f"{LIKENESS}: a person compares the pictures.",
            False,
            f"{LIKENESS}. {NOT_BY_ITSELF}",
            id="likeness, not by itself",
        ),
        pytest.param(DARK, False, DARK, id="help, which nobody promised to judge"),
        pytest.param(DARK, True, DARK, id="help that was judged"),
    ],
)
def test_nobody_is_said_to_look_later_at_what_was_decided(
    before: str, judged: bool, after: str
) -> None:
    assert decided_words(before, judged=judged) == after
