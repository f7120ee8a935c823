from __future__ import annotations

import pytest

from helseid_fn.secret_store.google.errors import NO_CREDENTIALS, destroy_command, explain

NAME = "projects/my-project/secrets/helseid-key/versions/7"
REGIONAL = "projects/my-project/locations/europe-north1/secrets/helseid-key/versions/latest"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("UNAVAILABLE", "secret_manager.unavailable.connect"),
        ("DEADLINE_EXCEEDED", "secret_manager.unavailable.timeout"),
        ("RESOURCE_EXHAUSTED", "secret_manager.unavailable.rate_limited"),
        ("INTERNAL", "secret_manager.unavailable.server_error"),
        ("ABORTED", "secret_manager.unavailable.server_error"),
        ("UNKNOWN", "secret_manager.unavailable.server_error"),
        ("CANCELLED", "secret_manager.unavailable.connection_lost"),
        ("NOT_FOUND", "secret_manager.refused.not_found"),
        ("PERMISSION_DENIED", "secret_manager.refused.denied"),
        ("FAILED_PRECONDITION", "secret_manager.refused.disabled"),
        ("UNAUTHENTICATED", "secret_manager.refused.unauthenticated"),
        ("INVALID_ARGUMENT", "secret_manager.refused.bad_address"),
        ("OUT_OF_RANGE", "secret_manager.refused.bad_address"),
        ("UNIMPLEMENTED", "secret_manager.refused.bad_address"),
        ("DATA_LOSS", "secret_manager.refused.bad_address"),
        ("ALREADY_EXISTS", "secret_manager.refused.bad_address"),
    ],
)
def test_every_google_status_has_a_meaning(status: str, code: str) -> None:
    assert explain(status, NAME).code == code


@pytest.mark.parametrize(
    ("status", "command"),
    [
        ("NOT_FOUND", "gcloud secrets versions add helseid-key --project=my-project{location} --data-file="),
        ("PERMISSION_DENIED", "gcloud secrets add-iam-policy-binding helseid-key --project=my-project{location} --role="),
        ("FAILED_PRECONDITION", "gcloud secrets versions list helseid-key --project=my-project{location} "),
    ],
)
@pytest.mark.parametrize(
    ("name", "location"), [(NAME, ""), (REGIONAL, " --location=europe-north1")], ids=["global", "regional"]
)
def test_a_refusal_by_google_names_the_command_to_run(status: str, command: str, name: str, location: str) -> None:
    sentence = str(explain(status, name))
    assert (name in sentence, command.format(location=location) in sentence) == (True, True)


def test_google_s_words_do_not_change_a_refusal() -> None:
    assert explain("PERMISSION_DENIED", NAME, words="Handshake failed").code == "secret_manager.refused.denied"


def test_a_proxy_in_the_way_is_named() -> None:
    words = "failed to connect to all addresses; last error: UNAVAILABLE: HTTP proxy returned response code 403"
    assert explain("UNAVAILABLE", NAME, words=words).code == "secret_manager.unavailable.proxy"


def test_missing_credentials_name_both_remedies() -> None:
    assert str(explain("UNAUTHENTICATED", NAME)) == NO_CREDENTIALS


def test_an_unknown_address_still_gives_a_sentence() -> None:
    assert "{" not in str(explain("NOT_FOUND", "odd"))


def test_the_destroy_command_names_the_location() -> None:
    where = "--project=p --location=europe-north1"
    command = destroy_command("projects/p/locations/europe-north1/secrets/s")
    assert command.startswith(f"gcloud secrets versions destroy VERSION --secret=s {where} ")
    assert f"gcloud secrets versions list s {where})" in command


@pytest.mark.parametrize(
    ("info_reason", "words"),
    [
        ("SECURITY_POLICY_VIOLATED", "a service perimeter"),
        ("USER_PROJECT_DENIED", "the quota project"),
        ("BILLING_DISABLED", "billing is off"),
        ("SERVICE_DISABLED", "gcloud services enable"),
        ("CONSUMER_INVALID", "no such project"),
    ],
)
@pytest.mark.parametrize("status", ["PERMISSION_DENIED", "FAILED_PRECONDITION"])
def test_googles_own_reason_decides_the_remedy(status: str, info_reason: str, words: str) -> None:
    error = explain(status, NAME, info_reason=info_reason)
    assert (error.code, info_reason in str(error), words in str(error)) == ("secret_manager.refused.denied", True, True)


def test_a_reason_that_is_not_known_is_quoted() -> None:
    assert "(Google says IAM_PERMISSION_DENIED)" in str(explain("PERMISSION_DENIED", NAME, info_reason="IAM_PERMISSION_DENIED"))


@pytest.mark.parametrize("info_reason", ["lower", "A B", "X" * 100, "A\nB"])
def test_a_reason_that_is_no_name_is_not_quoted(info_reason: str) -> None:
    assert info_reason not in str(explain("PERMISSION_DENIED", NAME, info_reason=info_reason))


def test_a_denial_may_mean_that_there_is_no_such_secret() -> None:
    assert "or there is no such secret" in str(explain("PERMISSION_DENIED", NAME))
