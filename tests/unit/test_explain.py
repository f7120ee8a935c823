from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from helseid_fn.cli.explain import describe_jwt, explain
from helseid_fn.error_codes import Party
from helseid_fn.http.exchange import Exchange
from helseid_fn.http.messages import Response


def encode(value: Any) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_times_are_told_from_when_the_jwt_was_issued() -> None:
    jws = f"{encode({'alg': 'PS256'})}.{encode({'iat': 100, 'nbf': 95, 'exp': 105, 'iss': 'client'})}.signature"
    assert describe_jwt(jws) == "alg PS256, iat 100, nbf iat-5, exp iat+5, iss client"


@pytest.mark.parametrize("jws", ["", "reference-token", "a.b.c", f"{encode([])}.{encode({})}.", f"{encode({})}.{encode('')}."])
def test_what_is_no_jwt_is_not_shown(jws: str) -> None:
    assert describe_jwt(jws) == "not a JWT, and not shown"


def test_an_assertion_that_helseid_repeats_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    jws = f"{encode({'alg': 'PS256'})}.{encode({'iss': 'client', 'jti': 'a1B2c3D4e5F6'})}.signature"
    said = json.dumps({"error": "invalid_client", "error_description": f"HID-1: {jws} is not valid"})
    explain(Exchange(Party.HELSEID, "POST", "https://helseid.example.no", None, Response(400, {}, said.encode()), 0.1))
    assert capsys.readouterr().err.splitlines()[-1].split(maxsplit=2)[2] == "invalid_client HID-1: [redacted] is not valid"
