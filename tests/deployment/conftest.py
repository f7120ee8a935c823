"""Terraform for the tests of this folder: where it or its providers cannot be had, a failure in CI and a skip elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NoReturn

import pytest

from tests.deployment.workspace import Unobtainable, Workspaces


@pytest.fixture(scope="session")
def workspaces(tmp_path_factory: pytest.TempPathFactory) -> Workspaces:
    return Workspaces(tmp_path_factory.mktemp("terraform"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Iterator[None]:
    try:
        return (yield)
    except Unobtainable as lack:
        go_without(lack)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    try:
        return (yield)
    except Unobtainable as lack:
        go_without(lack)


def go_without(lack: Unobtainable) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(f"{lack} (CI is set, where this is no reason to skip.)", pytrace=False)
    pytest.skip(str(lack))
