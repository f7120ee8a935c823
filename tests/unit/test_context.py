from __future__ import annotations

import pytest

from helseid_fn.context import Journal
from helseid_fn.errors import Party
from tests.conftest import MovableClock


@pytest.fixture
def journal(clock: MovableClock) -> Journal:
    return Journal(monotonic=clock)


def test_a_journal_begins_empty(journal: Journal) -> None:
    assert journal.summary() == {
        "duration_ms": 0,
        "durations_ms": {},
        "requests": {"secret_store": 0, "helseid": 0, "api": 0},
        "outcomes": {},
    }


def test_counts_times_and_notes(journal: Journal, clock: MovableClock) -> None:
    for seconds, outcome in ((0.1, 400), (0.2, 200)):
        with journal.request(Party.HELSEID):
            clock.move(seconds)
        journal.note_outcome(Party.HELSEID, outcome)
    clock.move(0.05)
    with journal.request(Party.API):
        clock.move(0.4)
    journal.note_outcome(Party.API, "timeout")
    journal.note(kid="my-kid", assertion_jti="jti")
    assert journal.summary() == {
        "duration_ms": 750,
        "durations_ms": {"helseid": 300, "api": 400},
        "requests": {"secret_store": 0, "helseid": 2, "api": 1},
        "outcomes": {"helseid": [400, 200], "api": ["timeout"]},
        "kid": "my-kid",
        "assertion_jti": "jti",
    }


def test_a_request_that_failed_is_counted(journal: Journal) -> None:
    with pytest.raises(OSError, match="gone"), journal.request(Party.API):
        raise OSError("gone")
    assert journal.request_counts()["api"] == 1


def test_a_request_that_failed_is_timed(journal: Journal, clock: MovableClock) -> None:
    def slow_failure() -> None:
        clock.move(2)
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"), journal.request(Party.API):
        slow_failure()
    assert journal.summary()["durations_ms"] == {"api": 2000}


def test_the_latest_note_stands(journal: Journal) -> None:
    journal.note(kid="old")
    journal.note(kid="new")
    assert journal.facts == {"kid": "new"}


def test_two_journals_share_nothing(journal: Journal) -> None:
    journal.note_outcome(Party.API, 200)
    journal.note(kid="mine")
    other = Journal()
    assert (other.outcomes[Party.API], other.facts) == ([], {})
