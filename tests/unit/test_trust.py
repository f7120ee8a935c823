from __future__ import annotations

import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import certifi
import pytest

from helseid_fn.http import trust
from helseid_fn.http.adapter import load_trust_early
from helseid_fn.http.trust import load_tls_context, share_tls_context


@pytest.fixture(scope="module")
def context() -> ssl.SSLContext:
    return load_tls_context(certifi.where())


def test_tls_1_2_is_required_and_certificates_verified(context: ssl.SSLContext) -> None:
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.cert_store_stats()["x509_ca"] > 50


def test_a_bundle_may_be_a_folder(tmp_path: Path) -> None:
    assert load_tls_context(str(tmp_path)).verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize("content", [None, "", "not a certificate"], ids=["missing", "empty", "no PEM"])
def test_an_unreadable_bundle_is_refused(content: str | None, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    if content is not None:
        bundle.write_text(content)
    with pytest.raises(OSError):  # noqa: PT011  # the text is OpenSSL's or the system's
        load_tls_context(str(bundle))


def test_threads_that_start_cold_load_a_bundle_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(trust, "load_tls_context", lambda bundle: loaded.append(bundle) or load_tls_context(bundle))
    with ThreadPoolExecutor(8) as threads:
        contexts = set(threads.map(share_tls_context, [str(tmp_path)] * 8))
    assert (len(contexts), loaded) == (1, [str(tmp_path)])


def test_a_bundle_that_was_unreadable_is_tried_again(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    with pytest.raises(OSError):  # noqa: PT011  # the text is the system's
        share_tls_context(str(bundle))
    bundle.write_bytes(Path(certifi.where()).read_bytes())
    assert share_tls_context(str(bundle)).cert_store_stats()["x509_ca"] > 50


@pytest.mark.parametrize(("url", "count"), [("https://helseid.example.no", 1), ("http://127.0.0.1", 0)])
def test_trust_is_loaded_early_where_tls_is_spoken(
    url: str, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    loaded: list[str] = []
    monkeypatch.setattr(trust, "load_tls_context", loaded.append)
    load_trust_early(url)
    assert loaded == [str(tmp_path)] * count
