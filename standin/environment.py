"""The environment that points a function at the stand-in, as a mapping and as lines for a shell."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from standin.clients import SELVBETJENING_SCOPE, Client


@dataclass(frozen=True)
class Places:
    """Where a function finds what it needs; what is None is left out."""

    issuer: str
    api_url: str
    key: str
    selvbetjening: str
    pending_key: str | None = None
    secret_manager: str | None = None


def environment(client: Client, places: Places) -> dict[str, str]:
    """Name every setting a function needs to sign in as this client, and to rotate its key."""
    variables = {
        "HELSEID_ISSUER": places.issuer,
        "HELSEID_CLIENT_ID": client.client_id,
        "HELSEID_SCOPE": " ".join(scope for scope in client.scopes if scope != SELVBETJENING_SCOPE),
        "HELSEID_KEY": places.key,
        "API_URL": places.api_url,
        "SELVBETJENING_URL": places.selvbetjening,
    }
    if client.tenancy == "multi-tenant":
        variables["HELSEID_PARENT_ORGANIZATION"] = client.parent
        if client.children:
            variables["HELSEID_CHILD_ORGANIZATION"] = client.children[0]
    if places.pending_key:
        variables["HELSEID_PENDING_KEY"] = places.pending_key
    if places.secret_manager:
        variables["SECRET_MANAGER_ENDPOINT"] = places.secret_manager
    return variables


def export_lines(variables: Mapping[str, str]) -> str:
    """Write variables as a shell reads them."""
    return "".join(f"export {name}={_quoted(value)}\n" for name, value in variables.items())


def _quoted(value: str) -> str:
    quoted = shlex.quote(value)
    return quoted if quoted.startswith("'") else f"'{quoted}'"
