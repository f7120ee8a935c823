"""The benchmark with distances: its limit, its proxy's schedule, and that a call takes the long way."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.batches import ROOT
from bench.distant_parties import DistantParties
from bench.limit import EXPIRED_TOKEN, IDLE_CONNECTION, KEPT_CONNECTION, KEY_IN_FILE, KEY_IN_MANAGER, Limit, Step
from bench.programs import distance
from bench.start import Served


def test_the_limit_is_the_longest_chain_not_the_sum() -> None:
    steps = {"a": Step(3, 0.02), "b": Step(1, 0.05), "c": Step(2, 0.01, ("a", "b")), "d": Step(1, 0.07)}
    assert Limit(steps, 0).round_trip_seconds == pytest.approx(0.08)


def test_the_limits_are_those_that_the_page_gives() -> None:
    limits = (KEY_IN_MANAGER, KEY_IN_FILE, KEPT_CONNECTION, IDLE_CONNECTION, EXPIRED_TOKEN)
    assert [limit.round_trip_seconds for limit in limits] == pytest.approx([0.150, 0.120, 0.020, 0.060, 0.100])


@pytest.mark.parametrize("messages", [1, 7])
def test_messages_take_a_round_trip_each_and_one_to_connect(messages: int) -> None:
    path = distance.Path(opened_at=5.0, round_trip=2.0)
    now = 5.0
    for _ in range(messages):
        now = path.arrival(path.arrival(now))
    assert now == 5.0 + 2.0 * (messages + 1)


def test_bytes_sent_later_never_arrive_earlier() -> None:
    path = distance.Path(opened_at=0.0, round_trip=2.0)
    arrivals = [path.arrival(sent_at / 4) for sent_at in range(20)]
    assert arrivals == sorted(arrivals)


@pytest.fixture(scope="module")
def parties() -> Iterator[DistantParties]:
    with DistantParties(bits=2048) as running:
        yield running


def test_a_function_on_google_cloud_reaches_everything_over_tls(parties: DistantParties) -> None:
    environment = parties.with_secret_manager()
    Served(Path(sys.prefix), ROOT, environment).start_cold()
    addresses = [environment[name] for name in ("HELSEID_ISSUER", "API_URL")]
    assert [address.startswith("https://") for address in addresses] == [True, True]
    assert parties.standin.count("access") == 1
