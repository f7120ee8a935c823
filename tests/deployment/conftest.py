"""Terraform for the tests of this folder: without it or its providers, they fail in CI and are skipped elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NoReturn

import pytest

from tests.deployment.workspace import TerraformUnavailable, Workspaces


@pytest.fixture(scope="session")
def workspaces(tmp_path_factory: pytest.TempPathFactory) -> Workspaces:
    return Workspaces(tmp_path_factory.mktemp("terraform"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Iterator[None]:
    try:
        return (yield)
    except TerraformUnavailable as missing:
        go_without(missing)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    try:
        return (yield)
    except TerraformUnavailable as missing:
        go_without(missing)


def go_without(missing: TerraformUnavailable) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(f"{missing} (CI is set, so this is no reason to skip.)", pytrace=False)
    pytest.skip(str(missing))
