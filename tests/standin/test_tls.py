"""The authority of `--tls`: kept for its owner, bound to loopback names, and made anew in time."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from pathlib import Path

import pytest

from standin.tls import LIFETIME, data_folder, load_authority
from tests.support.certificates import Authority as Signer

NOW = dt.datetime.now(dt.UTC)


def connect(server: ssl.SSLContext, trusted: Path, name: str) -> str:
    """Return the protocol that a client who trusts one authority agrees on with a server of this name."""
    client = ssl.create_default_context(cafile=str(trusted))
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            server.wrap_socket(theirs, server_side=True).close()
        except OSError:
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(ours, server_hostname=name) as secured:
            return secured.version() or ""
    finally:
        ours.close()
        thread.join(timeout=10)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_its_certificates_are_for_the_names_of_loopback(tmp_path: Path, name: str) -> None:
    authority = load_authority(tmp_path / "data", NOW)
    assert connect(authority.server_context(NOW), authority.path, name) == "TLSv1.3"


def test_it_can_vouch_for_no_other_name(tmp_path: Path) -> None:
    authority = load_authority(tmp_path / "data", NOW)
    forged = Signer(tmp_path / "forged", key=authority.key, name=authority.certificate.subject).server("helseid-sts.nhn.no")
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        connect(forged, authority.path, "helseid-sts.nhn.no")


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    load_authority(tmp_path / "data", NOW)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "data").iterdir()}
    assert modes == {"authority.pem": 0o600, "authority.key": 0o600}
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_it_is_kept_for_as_long_as_it_is_valid(tmp_path: Path) -> None:
    def serial(days: float) -> int:
        return load_authority(tmp_path / "data", NOW + dt.timedelta(days=days)).certificate.serial_number

    first = serial(0)
    assert [serial(28.9) == first, serial(29.1) == first] == [True, False]


def test_it_is_valid_for_thirty_days(tmp_path: Path) -> None:
    certificate = load_authority(tmp_path / "data", NOW).certificate
    assert certificate.not_valid_after_utc - NOW.replace(microsecond=0) == LIFETIME == dt.timedelta(days=30)


def test_an_authority_whose_key_is_another_is_made_anew(tmp_path: Path) -> None:
    first = load_authority(tmp_path / "one", NOW)
    load_authority(tmp_path / "two", NOW)
    (tmp_path / "one" / "authority.key").replace(tmp_path / "two" / "authority.key")
    assert load_authority(tmp_path / "two", NOW).certificate.serial_number != first.certificate.serial_number


def test_no_key_of_a_server_stays_on_the_disk(tmp_path: Path) -> None:
    load_authority(tmp_path / "data", NOW).server_context(NOW)
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["authority.key", "authority.pem"]


@pytest.mark.parametrize(
    ("environ", "platform", "folder"),
    [
        ({"HOME": "/home/a"}, "linux", "/home/a/.local/share/helseid-standin"),
        ({"HOME": "/home/a", "XDG_DATA_HOME": "/data"}, "linux", "/data/helseid-standin"),
        ({"HOME": "/Users/a"}, "darwin", "/Users/a/Library/Application Support/helseid-standin"),
        ({"LOCALAPPDATA": "/local"}, "win32", "/local/helseid-standin"),
    ],
)
def test_each_system_has_its_own_folder(environ: dict[str, str], platform: str, folder: str) -> None:
    assert data_folder(environ, platform) == Path(folder)
