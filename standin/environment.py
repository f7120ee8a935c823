"""The environment variables that point a function at the stand-in, as a mapping and as shell lines."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from standin.clients import SELVBETJENING_SCOPE, Client


@dataclass(frozen=True)
class Endpoints:
    """The addresses a function uses; None leaves a setting out."""

    issuer: str
    api_url: str
    key: str
    selvbetjening: str
    pending_key: str | None = None
    secret_manager: str | None = None


def environment(client: Client, endpoints: Endpoints) -> dict[str, str]:
    """Return the settings a function needs to sign in as this client and to rotate its key."""
    variables = {
        "HELSEID_ISSUER": endpoints.issuer,
        "HELSEID_CLIENT_ID": client.client_id,
        "HELSEID_SCOPE": " ".join(scope for scope in client.scopes if scope != SELVBETJENING_SCOPE),
        "HELSEID_KEY": endpoints.key,
        "API_URL": endpoints.api_url,
        "SELVBETJENING_URL": endpoints.selvbetjening,
    }
    if client.tenancy == "multi-tenant":
        variables["HELSEID_PARENT_ORGANIZATION"] = client.parent
        variables["HELSEID_ORGANIZATIONS"] = " ".join(client.parents)
        if client.children:
            variables["HELSEID_CHILD_ORGANIZATION"] = client.children[0]
    if endpoints.pending_key:
        variables["HELSEID_PENDING_KEY"] = endpoints.pending_key
    if endpoints.secret_manager:
        variables["SECRET_MANAGER_ENDPOINT"] = endpoints.secret_manager
    return variables


def export_lines(variables: Mapping[str, str]) -> str:
    """Return the variables as `export` lines for a shell."""
    return "".join(f"export {name}={_quoted(value)}\n" for name, value in variables.items())


def _quoted(value: str) -> str:
    quoted = shlex.quote(value)
    return quoted if quoted.startswith("'") else f"'{quoted}'"
