"""The Lambda runtime that matches this machine."""

from __future__ import annotations

import platform
import sys

from infra.lambda_zip import WHEEL_ARCHITECTURES, Target

HERE = Target(
    next((arch for arch, name in WHEEL_ARCHITECTURES.items() if name == platform.machine()), "x86_64"),
    f"{sys.version_info.major}.{sys.version_info.minor}",
)
