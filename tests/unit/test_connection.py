from __future__ import annotations

import ssl
from pathlib import Path

import certifi
import pytest

from helseid_fn.http.connection import load_tls_context


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
