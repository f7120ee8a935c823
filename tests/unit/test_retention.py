from __future__ import annotations

from helseid_fn.rotation.retention import Retention
from helseid_fn.secret_store.google.secret import SecretVersion

HOUR, DAY = 3600.0, 86400.0
RETENTION = Retention(grace_seconds=24 * HOUR, destroy_after_seconds=30 * DAY)


def version(number: int, made_at: float, *, is_enabled: bool = True) -> SecretVersion:
    return SecretVersion(f"projects/p/secrets/s/versions/{number}", is_enabled, made_at)


def split(*versions: SecretVersion, now: float) -> tuple[list[str], list[str]]:
    """Return the numbers of the versions to disable and to destroy."""
    disabled, destroyed = RETENTION.split(versions, now)
    return [each.name[-1] for each in disabled], [each.name[-1] for each in destroyed]


def test_the_only_version_stays_however_old_it_is() -> None:
    assert split(version(1, 0), now=9999 * DAY) == ([], [])


def test_no_version_at_all_is_left_alone() -> None:
    assert split(now=0) == ([], [])


def test_the_newest_version_stays_even_if_disabled() -> None:
    assert split(version(1, 0), version(2, DAY, is_enabled=False), now=9999 * DAY) == ([], ["1"])


def test_a_version_is_readable_until_its_grace_is_over() -> None:
    assert split(version(1, 0), version(2, DAY), now=2 * DAY - 1) == ([], [])


def test_grace_starts_when_the_next_version_was_made() -> None:
    assert split(version(1, 0), version(2, 100 * DAY), now=100 * DAY + 23 * HOUR) == ([], [])


def test_a_version_is_disabled_when_its_grace_is_over() -> None:
    assert split(version(1, 0), version(2, DAY), now=2 * DAY) == (["1"], [])


def test_a_disabled_version_is_not_disabled_again() -> None:
    assert split(version(1, 0, is_enabled=False), version(2, DAY), now=3 * DAY) == ([], [])


def test_an_old_version_is_destroyed_without_disabling_it() -> None:
    assert split(version(1, 0), version(2, DAY), now=32 * DAY) == ([], ["1"])


def test_a_version_is_not_destroyed_a_second_too_early() -> None:
    assert split(version(1, 0, is_enabled=False), version(2, DAY), now=32 * DAY - 1) == ([], [])


def test_each_version_ages_on_its_own() -> None:
    versions = [version(1, 0, is_enabled=False), version(2, DAY), version(3, 31 * DAY), version(4, 32 * DAY)]
    assert split(*versions, now=32.5 * DAY) == (["2"], ["1"])


def test_without_grace_a_replaced_version_goes_at_once() -> None:
    disabled, destroyed = Retention(0, 0).split([version(1, 0), version(2, DAY)], DAY)
    assert (disabled, [each.name[-1] for each in destroyed]) == ([], ["1"])
