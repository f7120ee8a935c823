from __future__ import annotations

import pytest

from helseid_fn.error_codes import Party
from helseid_fn.http.clock import describe_clock, is_likely_cause, read_seconds_ahead
from tests.support.parts import PUBLISHED_DATE, PUBLISHED_SECONDS, make_response


@pytest.mark.parametrize("difference", [0, 1, 30, -1, -30])
@pytest.mark.parametrize("fraction", [0, 0.4, 0.5, 0.6, 0.999])
def test_a_cut_off_date_does_not_change_the_difference(difference: int, fraction: float) -> None:
    """Both clocks are at the same fraction of a second, which the `Date` does not tell."""
    now = PUBLISHED_SECONDS + fraction + difference
    assert read_seconds_ahead(make_response(Date=PUBLISHED_DATE), now) == difference


@pytest.mark.parametrize("headers", [{}, {"Date": "soon"}], ids=["missing", "invalid"])
def test_a_clock_is_not_compared_without_a_date(headers: dict[str, str]) -> None:
    assert read_seconds_ahead(make_response(**headers), PUBLISHED_SECONDS) is None


@pytest.mark.parametrize(
    ("seconds_ahead", "words"),
    [
        (None, "not compared, since the API's response had no Date"),
        (0, "right by the API's"),
        (1, "right by the API's"),
        (-1, "right by the API's"),
        (2, "about 2 s ahead of the API's"),
        (-119, "about 119 s behind the API's"),
        (121, "about 2 min ahead of the API's"),
        (-3599, "about 60 min behind the API's"),
        (7200, "about 2 h ahead of the API's"),
        (-(10**9), "about 11574 days behind the API's"),
    ],
)
def test_a_clocks_difference_is_described(seconds_ahead: int | None, words: str) -> None:
    assert describe_clock(seconds_ahead, Party.API) == words


@pytest.mark.parametrize(
    ("seconds_ahead", "likely"), [(None, False), (0, False), (3, False), (-3, False), (4, True), (-4, True)]
)
def test_a_difference_of_about_5_s_is_a_likely_cause(seconds_ahead: int | None, *, likely: bool) -> None:
    assert is_likely_cause(seconds_ahead) is likely
