"""The archives for AWS Lambda; each is built once for all tests."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from infra.lambda_zip import Target, build


@pytest.fixture(scope="session")
def lambda_zip(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Target], Path]:
    """Return a function that builds the archive of a target once."""
    folder = tmp_path_factory.mktemp("lambda")
    return cache(lambda target: build(target, folder))
