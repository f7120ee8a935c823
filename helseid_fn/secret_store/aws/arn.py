"""The address of a secret of AWS Secrets Manager; pure.

A secret's ARN, which ends in six characters that AWS adds to its name, and then, as Amazon ECS writes it in `valueFrom`,
optionally `:json-key:version-stage:version-id`. The key is the whole secret, so `json-key` stays empty.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_ADDRESS = re.compile(
    r"(?P<arn>arn:aws(-[a-z]+)*:secretsmanager:(?P<region>[a-z]+(-[a-z]+)+-[0-9]{1,2}):[0-9]{12}"
    r":secret:[A-Za-z0-9/_+=.@-]{1,512}-[A-Za-z0-9]{6})"
    r"(::(?P<stage>[A-Za-z0-9/_+=.@-]{0,256}):(?P<version>[A-Za-z0-9-]{32,64})?)?"
)


class SecretArn(NamedTuple):
    """One version of a secret: the one with a stage's label, or the one with an id, which never changes."""

    arn: str
    region: str
    stage: str | None = None
    """`AWSCURRENT` when neither this nor `version_id` is given."""
    version_id: str | None = None

    @property
    def version(self) -> dict[str, str]:
        """The members of a request that choose the version, by the names of the API and the extension."""
        chosen = {"versionStage": self.stage, "versionId": self.version_id}
        return {name: value for name, value in chosen.items() if value} or {"versionStage": "AWSCURRENT"}


def parse_secret_arn(text: str) -> SecretArn | None:
    """Parse an address; None when it is not one."""
    parts = _ADDRESS.fullmatch(text)
    if parts is None:
        return None
    return SecretArn(parts["arn"], parts["region"], parts["stage"] or None, parts["version"] or None)
