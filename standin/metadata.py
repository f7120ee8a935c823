"""HelseID's metadata (OpenID Connect Discovery 1.0 section 3), with every member of the real document."""

from typing import Any

from standin.jose import ALGORITHMS

_IDENTITY = ("assurance_level", "pid", "pid_pseudonym", "security_level", "network")


def metadata(issuer: str) -> dict[str, Any]:
    """Return the metadata of an issuer."""
    return {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/.well-known/openid-configuration/jwks",
        **_endpoints(issuer),
        **_logout(),
        "scopes_supported": _scopes(),
        "claims_supported": _claims(),
        **_grants(),
        **_algorithms(),
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "authorization_response_iss_parameter_supported": True,
        "backchannel_token_delivery_modes_supported": ["poll"],
        "backchannel_user_code_parameter_supported": True,
        "expired_jwks_uri": f"{issuer}/connect/expiredjwks",
        "available_idps": f"{issuer}/connect/availableidps",
    }


def _endpoints(issuer: str) -> dict[str, Any]:
    paths = {
        "authorization_endpoint": "authorize",
        "token_endpoint": "token",
        "userinfo_endpoint": "userinfo",
        "end_session_endpoint": "endsession",
        "check_session_iframe": "checksession",
        "revocation_endpoint": "revocation",
        "introspection_endpoint": "introspect",
        "device_authorization_endpoint": "deviceauthorization",
        "backchannel_authentication_endpoint": "ciba",
        "pushed_authorization_request_endpoint": "par",
    }
    found: dict[str, Any] = {name: f"{issuer}/connect/{path}" for name, path in paths.items()}
    return {**found, "require_pushed_authorization_requests": False}


def _logout() -> dict[str, bool]:
    return {
        "frontchannel_logout_supported": True,
        "frontchannel_logout_session_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
    }


def _scopes() -> list[str]:
    # As in the real document, API scopes are missing, so a client cannot check its scopes against this list.
    return [
        *("openid", "profile", "offline_access"),
        *("helseid://scopes/client/info", "helseid://scopes/client/client_name"),
        *(f"helseid://scopes/identity/{name}" for name in _IDENTITY),
        *("nhn:tillitsrammeverk:parameters", "nhn:sfm:journal-id", "helseid://scopes/hpr/hpr_number"),
    ]


def _claims() -> list[str]:
    client = "helseid://claims/client"
    return [
        *("name", "family_name", "given_name", "middle_name"),
        *(f"helseid://claims/identity/{name}" for name in _IDENTITY),
        "helseid://claims/hpr/hpr_number",
        *(f"{client}/client_name", f"{client}/client_tenancy"),
        *(f"{client}/claims/orgnr_{role}" for role in ("parent", "child", "supplier")),
        "client_amr",
    ]


def _grants() -> dict[str, list[str]]:
    return {
        "grant_types_supported": [
            *("authorization_code", "client_credentials", "refresh_token", "implicit"),
            "urn:ietf:params:oauth:grant-type:device_code",
            "urn:openid:params:grant-type:ciba",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ],
        "response_types_supported": [
            *("code", "token", "id_token", "id_token token"),
            *("code id_token", "code token", "code id_token token"),
        ],
        "response_modes_supported": ["form_post", "query", "fragment"],
        # The real document lists client secrets too, although the security profile forbids them.
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt"],
    }


def _algorithms() -> dict[str, Any]:
    return {
        "id_token_signing_alg_values_supported": ["RS256"],
        "subject_types_supported": ["public"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "request_parameter_supported": True,
        "request_object_signing_alg_values_supported": [*ALGORITHMS, "HS256", "HS384", "HS512"],
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
    }
