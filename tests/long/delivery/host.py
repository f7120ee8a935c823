"""One instance of the function, which runs again and again: `python -m tests.long.delivery.host google`.

Starts a run for each line that it reads, and prints how it ended and the memory that the process has then.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from pathlib import Path


def main() -> None:
    """Run until standard input ends. Standard output is for the reports, so the log goes to standard error."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    from tests.long.delivery import feed  # noqa: PLC0415  # it starts the log

    for line in sys.stdin:
        code = feed.run(sys.argv[1], json.loads(line))
        gc.collect()
        print(json.dumps({"code": code, "resident_bytes": read_memory()}), file=out, flush=True)


def read_memory() -> int:
    """Return the resident memory of this process, 0 where the system does not say."""
    path = Path("/proc/self/statm")
    return int(path.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if path.exists() else 0


if __name__ == "__main__":
    main()
