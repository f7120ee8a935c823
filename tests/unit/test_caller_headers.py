from __future__ import annotations

import pytest

from helseid_fn.http.caller_headers import OWN_HEADERS, is_header_value, matches_header, parse_header_patterns


def test_reads_names_and_prefixes_in_lower_case() -> None:
    assert parse_header_patterns("Accept, nhn-*\n x-request-id") == ("accept", "nhn-*", "x-request-id")


@pytest.mark.parametrize("text", ["", " , ", "*", "a*b", "nhn_*", "æ", "a:b", "-*-*", "x**"])
def test_anything_else_is_no_list_of_headers(text: str) -> None:
    with pytest.raises(ValueError, match="is not a list of header names"):
        parse_header_patterns(text)


@pytest.mark.parametrize("text", [*OWN_HEADERS, "DPoP", "d*", "accept*", "content-*", "t*", "Host x-y"])
def test_a_header_of_the_function_cannot_be_listed(text: str) -> None:
    with pytest.raises(ValueError, match="only the function may set"):
        parse_header_patterns(text)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("accept", True), ("ACCEPT", True), ("accept-language", False), ("nhn-", True), ("NHN-Event-Id", True), ("nhn", False)],
)
def test_a_name_matches_whatever_its_case(name: str, *, expected: bool) -> None:
    assert matches_header(name, ("accept", "nhn-*")) is expected


@pytest.mark.parametrize("name", ["Cookie", "Forwarded", "X-Forwarded-Host", "X-HTTP-Method-Override", "X-Original-URL"])
def test_a_trusted_header_is_matched_by_its_name_alone(name: str) -> None:
    assert not matches_header(name, (f"{name[0].lower()}*", f"{name.lower()[:-1]}*"))
    assert matches_header(name, (name.lower(),))


@pytest.mark.parametrize("value", ["a\r\nb", "æ", " a", "a ", 1, None, "@@@SKIP_HEADER@@@"])
def test_a_value_that_cannot_be_sent_is_refused(value: object) -> None:
    assert not is_header_value(value)
