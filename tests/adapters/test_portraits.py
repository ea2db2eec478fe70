import numpy as np
import pytest

from proctor.adapters.portraits import Corners, portrait
from proctor.domain.observation import Face


def box(x: int, y: int, height: int) -> Face:
    return Face(x=x, y=y, width=height * 3 // 4, height=height, score=0.9)


def line(x: int, y: int, width: int, height: int = 12) -> Corners:
    ends = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    return np.asarray(ends, np.float32)


ZONE = (line(300, 600, 560), line(300, 630, 560))
PRINT = (line(300, 300, 500), *(line(500, 350 + 40 * row, 250) for row in range(5)), *ZONE)
ON_IT = box(330, 420, 120)
GHOST = box(750, 500, 40)


@pytest.mark.parametrize(
    "learner",
    [
        pytest.param(box(20, 300, 400), id="beside the document"),
        pytest.param(box(400, 20, 250), id="above it"),
        pytest.param(box(20, 450, 120), id="beside it and far behind it"),
        pytest.param(box(550, 60, 120), id="above it and far behind it"),
        pytest.param(box(330, 700, 120), id="below the zone"),
        pytest.param(box(310, 240, 300), id="before it"),
    ],
)
def test_the_face_of_who_holds_a_document_is_not_its_portrait(learner: Face) -> None:
    assert portrait((learner, GHOST, ON_IT), zone=ZONE, lines=PRINT) == ON_IT
    assert portrait((learner,), zone=ZONE, lines=PRINT) is None


def test_without_a_zone_the_portrait_stands_among_the_print() -> None:
    lines = (*PRINT[:-2], line(300, 580, 300))
    assert portrait((box(20, 300, 400), GHOST, ON_IT), zone=(), lines=lines) == ON_IT
    for learner in (box(20, 300, 400), box(20, 450, 120), box(310, 300, 260)):
        assert portrait((learner,), zone=(), lines=lines) is None


def test_where_nothing_was_read_no_face_is_a_portrait() -> None:
    assert portrait((ON_IT,), zone=(), lines=()) is None
    assert portrait((), zone=ZONE, lines=PRINT) is None
