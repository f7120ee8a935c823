"""Compiles the sources of an archive for the Python that will import them."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path


def compile_sources(contents: Mapping[str, bytes], interpreter: Path) -> dict[str, bytes]:
    """Return the bytecode of the Python files in `contents`, by the names under which an import looks for it.

    The same bytes for the same sources and the same version of Python, to the patch. A file that this Python cannot compile
    has none, as with pip. Raises `ValueError` if nothing could be compiled.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name, content in contents.items():
            if name.endswith(".py"):
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        # Unchecked (PEP 552): no time is inside, and nothing is compared at a start, as an archive's sources never change. The
        # paths inside are relative. Not optimized, as the clouds' Python, which runs without -O, looks for nothing else.
        command = [str(interpreter), "-I", "-S", "-m", "compileall", "-qq", "--invalidation-mode=unchecked-hash"]
        subprocess.run([*command, "-s", folder, folder], capture_output=True, check=False)
        compiled = {path.relative_to(folder).as_posix(): path.read_bytes() for path in Path(folder).rglob("*.pyc")}
    if not compiled:
        raise ValueError(f"{interpreter} cannot compile the sources. Its installation is broken: install it again")
    return compiled
