"""A browser that looks at an exam that is over: its link, its coming, and how long it may."""

from datetime import UTC, datetime, timedelta

import pytest

from proctor.domain.viewing import (
    LINK_FOR,
    MAX_VIEWERS,
    VIEWER_FOR,
    TooManyViewers,
    ViewerLinkUnknown,
    Viewing,
    let_in,
    may_look,
    offer,
)

NOW = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
OFFERED = offer(None, "link", now=NOW)
COME = let_in(OFFERED, "link", token_sha256="token", now=NOW)


def test_a_browser_that_comes_with_the_link_uses_it_up() -> None:
    assert may_look(COME, "token", now=NOW)
    with pytest.raises(ViewerLinkUnknown):
        let_in(COME, "link", token_sha256="second", now=NOW)


@pytest.mark.parametrize(
    ("viewing", "link", "now"),
    [
        pytest.param(None, "link", NOW, id="none was asked for"),
        pytest.param(OFFERED, "other", NOW, id="another link"),
        pytest.param(OFFERED, "link", NOW + LINK_FOR, id="too late"),
        pytest.param(offer(OFFERED, "new", now=NOW), "link", NOW, id="a newer one is asked for"),
        pytest.param(COME, "", NOW, id="no link where none stands"),
    ],
)
def test_no_other_link_lets_a_browser_in(viewing: Viewing | None, link: str, now: datetime) -> None:
    with pytest.raises(ViewerLinkUnknown):
        let_in(viewing, link, token_sha256="token", now=now)


def test_a_link_is_good_to_the_last_moment_and_a_browser_too() -> None:
    late = NOW + LINK_FOR - MOMENT
    come = let_in(OFFERED, "link", token_sha256="token", now=late)
    assert may_look(come, "token", now=late + VIEWER_FOR - MOMENT)
    assert not may_look(come, "token", now=late + VIEWER_FOR)


@pytest.mark.parametrize(
    ("viewing", "token"),
    [
        pytest.param(None, "token", id="none was asked for"),
        pytest.param(OFFERED, "", id="nobody came"),
        pytest.param(COME, "other", id="another token"),
    ],
)
def test_nobody_else_may_look(viewing: Viewing | None, token: str) -> None:
    assert not may_look(viewing, token, now=NOW)


def test_the_browser_before_looks_until_the_next_has_come() -> None:
    anew = offer(COME, "second", now=NOW)
    assert may_look(anew, "token", now=NOW)
    come = let_in(anew, "second", token_sha256="new", now=NOW)
    assert (may_look(come, "token", now=NOW), may_look(come, "new", now=NOW)) == (False, True)
    assert come.browsers == 2


def test_no_more_are_offered_than_a_log_has_lines_for() -> None:
    with pytest.raises(TooManyViewers) as no:
        offer(Viewing(browsers=MAX_VIEWERS), "link", now=NOW)
    assert no.value.at_most == MAX_VIEWERS
