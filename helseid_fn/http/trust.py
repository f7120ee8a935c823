"""Whom TLS connections trust: one context for each CA bundle, loaded once in a process and shared."""

from __future__ import annotations

import ssl
import threading
from functools import cache
from pathlib import Path

_loading = threading.Lock()


def share_tls_context(ca_bundle: str) -> ssl.SSLContext:
    """Return the process's context for a bundle, loaded at the first call.

    Loading the usual bundle takes 20 ms, so every origin shares it; a bundle that is replaced counts after a restart.

    Raises `OSError` as `load_tls_context` does, and tries again at the next call.
    """
    with _loading:
        return _load_once(ca_bundle)


@cache
def _load_once(ca_bundle: str) -> ssl.SSLContext:
    return load_tls_context(ca_bundle)


def load_tls_context(ca_bundle: str) -> ssl.SSLContext:
    """Load a context that verifies certificates against a file or folder of PEM certificates.

    HelseID's profile requires TLS 1.2 or later.

    Raises `OSError` (of which `ssl.SSLError` is one) when the bundle cannot be read.
    """
    is_folder = Path(ca_bundle).is_dir()
    context = ssl.create_default_context(cafile=None if is_folder else ca_bundle, capath=ca_bundle if is_folder else None)
    context.hostname_checks_common_name = False  # RFC 9525 section 2
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context
