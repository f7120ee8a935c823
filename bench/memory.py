"""The memory of a process and its children, independent of what else runs on the machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_MAPPING = re.compile(r"[0-9a-f]+-[0-9a-f]+ \S+ ([0-9a-f]+) \S+ \d+ +(/.*)")


def resident_megabytes(pid: int) -> float:
    """Return the tree's proportional set size (PSS), in megabytes.

    PSS divides the pages of a file among all processes that map it, so it would depend on what other Pythons run here.
    Therefore each page of a file is counted once for the tree.
    """
    processes = list(_tree(pid))
    own = sum(_kilobytes(Path(f"/proc/{each}/smaps_rollup").read_text(), r"Pss_(?:Anon|Shmem)") for each in processes)
    of_files: dict[str, int] = {}
    for each in processes:
        for mapping, kilobytes in _file_mappings(Path(f"/proc/{each}/smaps").read_text()):
            of_files[mapping] = max(kilobytes, of_files.get(mapping, 0))
    return (own + sum(of_files.values())) / 1024


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield from _tree(int(child))


def _file_mappings(smaps: str) -> Iterator[tuple[str, int]]:
    for part in re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", smaps, flags=re.MULTILINE):
        if mapping := _MAPPING.match(part):
            yield f"{mapping[2]} {mapping[1]}", _kilobytes(part, "Rss") - _kilobytes(part, "Anonymous")


def _kilobytes(text: str, field: str) -> int:
    return sum(int(each) for each in re.findall(rf"^{field}: +(\d+) kB", text, re.MULTILINE))
