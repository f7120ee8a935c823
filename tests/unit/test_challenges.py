from __future__ import annotations

import pytest

from helseid_fn.http.challenges import Challenge, parse

CASES: list[tuple[str, str | None, list[tuple[str, dict[str, str]]]]] = [
    ("no header", None, []),
    ("empty", "", []),
    ("white space and commas", " , ,\t", []),
    ("a scheme alone", "DPoP", [("dpop", {})]),
    ("a quoted parameter", 'DPoP error="invalid_token"', [("dpop", {"error": "invalid_token"})]),
    ("a parameter that is a token", "DPoP error=invalid_token", [("dpop", {"error": "invalid_token"})]),
    ("an empty quoted string", 'DPoP realm=""', [("dpop", {"realm": ""})]),
    ("names in any case", 'DPOP Error="x"', [("dpop", {"error": "x"})]),
    ("values keep their case", 'DPoP error="X"', [("dpop", {"error": "X"})]),
    ("spaces around the equals sign", 'DPoP error = "x" , a\t=\tb', [("dpop", {"error": "x", "a": "b"})]),
    ("a tab after the scheme", 'DPoP\terror="x"', [("dpop", {"error": "x"})]),
    ("no space after the comma", 'DPoP algs="ES256",error="x"', [("dpop", {"algs": "ES256", "error": "x"})]),
    ("a comma in a quoted string", 'DPoP a="x, Basic b=c", error="y"', [("dpop", {"a": "x, Basic b=c", "error": "y"})]),
    ("an escaped quote", r'DPoP a="say \"error=x\"", error="y"', [("dpop", {"a": 'say "error=x"', "error": "y"})]),
    ("an escaped backslash", r'DPoP a="c:\\", error="y"', [("dpop", {"a": "c:\\", "error": "y"})]),
    ("the first of two with the same name counts", 'DPoP error="x", error="y"', [("dpop", {"error": "x"})]),
    (
        "RFC 9110 section 11.6.1",
        'Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""',
        [("basic", {"realm": "simple"}), ("newauth", {"realm": "apps", "type": "1", "title": 'Login to "apps"'})],
    ),
    (
        "RFC 9110 section 11.6.1, in reverse order",
        'Newauth realm="apps", type=1, title="Login to \\"apps\\"", Basic realm="simple"',
        [("newauth", {"realm": "apps", "type": "1", "title": 'Login to "apps"'}), ("basic", {"realm": "simple"})],
    ),
    ("RFC 9449 section 7.1", 'DPoP algs="ES256 PS256"', [("dpop", {"algs": "ES256 PS256"})]),
    (
        "RFC 9449 section 7.1, an invalid token",
        'DPoP error="invalid_token", error_description="Invalid DPoP key binding", algs="ES256"',
        [("dpop", {"error": "invalid_token", "error_description": "Invalid DPoP key binding", "algs": "ES256"})],
    ),
    (
        "RFC 9449 section 7.2, two schemes",
        'Bearer error="invalid_token", error_description="DPoP needed", DPoP algs="ES256 PS256"',
        [("bearer", {"error": "invalid_token", "error_description": "DPoP needed"}), ("dpop", {"algs": "ES256 PS256"})],
    ),
    (
        "RFC 9449 section 9",
        'DPoP error="use_dpop_nonce", error_description="Resource server requires nonce in DPoP proof"',
        [("dpop", {"error": "use_dpop_nonce", "error_description": "Resource server requires nonce in DPoP proof"})],
    ),
    ("the error is not first", 'DPoP realm="r", error="x"', [("dpop", {"realm": "r", "error": "x"})]),
    ("the error is another parameter's value", 'DPoP realm="use_dpop_nonce"', [("dpop", {"realm": "use_dpop_nonce"})]),
    ("a scheme between parameters", "DPoP a=b, Bearer, error=c", [("dpop", {"a": "b"}), ("bearer", {"error": "c"})]),
    ("one scheme twice", "DPoP a=b, DPoP a=c", [("dpop", {"a": "b"}), ("dpop", {"a": "c"})]),
    ("a token68", "Negotiate YWJjZA==, DPoP error=x", [("negotiate", {}), ("dpop", {"error": "x"})]),
    ("a token68 without padding", "Negotiate a.b~c+/, DPoP error=x", [("negotiate", {}), ("dpop", {"error": "x"})]),
    ("empty list elements", ",, DPoP ,, error=x ,,", [("dpop", {"error": "x"})]),
    ("a parameter without a scheme", 'error="use_dpop_nonce"', []),
    ("an unfinished quoted string", 'Bearer error="x", DPoP error="use_dpop', [("bearer", {"error": "x"}), ("dpop", {})]),
    ("a syntax error ends it", "DPoP error=x, @@@, Basic realm=y", [("dpop", {"error": "x"})]),
    ("parameters without a comma", 'DPoP error="x" realm="y"', [("dpop", {})]),
]


@pytest.mark.parametrize(("header", "expected"), [pytest.param(*rest, id=name) for name, *rest in CASES])
def test_challenges_are_parsed(header: str | None, expected: list[tuple[str, dict[str, str]]]) -> None:
    assert parse(header) == tuple(Challenge(scheme, parameters) for scheme, parameters in expected)


@pytest.mark.parametrize("piece", ['"', "\\", "=", ",", "DPoP ", 'a="\\', "a=b,", '\\"'])
def test_a_long_header_is_parsed_fast(piece: str) -> None:
    assert isinstance(parse("DPoP a=" + piece * 20_000), tuple)
