"""Do the stand-ins report why they do not start?"""

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("position", range(4))
def test_a_port_in_use_is_one_sentence(position: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run("standin", "--alg", "ES256", "--port-base", str(port - position))
    sentence = r"Port \d+ is in use\. Stop the program that uses it, or choose another --port-base\.\n"
    assert (ended.returncode, ended.stdout) == (1, "")
    assert re.fullmatch(sentence, ended.stderr)


@pytest.mark.parametrize("option", ["--env-file", "--key-file", "--json-events"])
def test_a_file_that_cannot_be_written_is_one_sentence(option: str, tmp_path: Path) -> None:
    path = tmp_path / "missing" / "file"
    ended = run("standin", "--alg", "ES256", option, str(path))
    assert (ended.returncode, ended.stderr) == (1, f"{path} cannot be used (No such file or directory). Choose another.\n")


def test_a_key_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    ended = run("standin.aws", str(tmp_path / "missing"), "http://127.0.0.1:1")
    assert ended.returncode == 2
    assert ended.stderr.endswith("missing cannot be read (No such file or directory)\n")
