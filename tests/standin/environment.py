"""The environment that points a function at the stand-in, as a mapping and as lines for a shell."""

import shlex
from collections.abc import Mapping

from tests.standin.clients import Client


def environment(client: Client, issuer: str, api_url: str, key_address: str, secret_manager: str | None) -> dict[str, str]:
    """Name every setting a function needs to sign in as this client."""
    variables = {
        "HELSEID_ISSUER": issuer,
        "HELSEID_CLIENT_ID": client.client_id,
        "HELSEID_SCOPE": " ".join(client.scopes),
        "HELSEID_KEY": key_address,
        "API_URL": api_url,
    }
    if client.tenancy == "multi-tenant":
        variables["HELSEID_PARENT_ORGANIZATION"] = client.parent
        if client.children:
            variables["HELSEID_CHILD_ORGANIZATION"] = client.children[0]
    if secret_manager:
        variables["SECRET_MANAGER_ENDPOINT"] = secret_manager
    return variables


def export_lines(variables: Mapping[str, str]) -> str:
    """Write variables as a shell reads them."""
    return "".join(f"export {name}={_quoted(value)}\n" for name, value in variables.items())


def _quoted(value: str) -> str:
    quoted = shlex.quote(value)
    return quoted if quoted.startswith("'") else f"'{quoted}'"
