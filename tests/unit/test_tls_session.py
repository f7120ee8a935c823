from __future__ import annotations

from types import SimpleNamespace

import pytest

from helseid_fn.http.tls_session import TlsSession

BEGAN_AT = 1_800_000_000
IN_TEN_MINUTES, IN_A_DAY = "Jan 15 08:10:00 2027 GMT", "Jan 16 08:00:00 2027 GMT"


def make_socket(version: str = "TLSv1.2", ends: str = IN_A_DAY, *, reused: bool = False) -> SimpleNamespace:
    session = SimpleNamespace(time=BEGAN_AT)
    return SimpleNamespace(
        version=lambda: version, session_reused=reused, session=session, getpeercert=lambda: {"notAfter": ends}
    )


def is_offered(sock: SimpleNamespace, now: float = BEGAN_AT) -> bool:
    session = TlsSession()
    session.keep(sock)  # type: ignore[arg-type]
    session.drop_old(now)
    return session.offer() is not None


@pytest.mark.parametrize(("ends", "seconds"), [(IN_TEN_MINUTES, 600), (IN_A_DAY, 3600)], ids=["certificate", "hour"])
def test_a_session_ends_with_its_certificate_or_after_an_hour(ends: str, seconds: int) -> None:
    ages = (-1, 0, seconds - 1, seconds)
    assert [is_offered(make_socket(ends=ends), BEGAN_AT + age) for age in ages] == [False, True, True, False]


def test_a_resumed_connection_does_not_prolong_a_session() -> None:
    assert not is_offered(make_socket(reused=True))


def test_a_session_of_tls_1_3_would_save_no_round_trip() -> None:
    assert not is_offered(make_socket("TLSv1.3"))
