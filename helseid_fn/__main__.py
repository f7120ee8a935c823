"""Says what can be run: `python -m helseid_fn`."""

from __future__ import annotations

import sys

USAGE = """\
helseid_fn is run by a host, which takes its settings from the environment (docs/configuration.md):

  functions-framework --target=run --host=127.0.0.1    serve the function over HTTP
  python main.py                                       check the settings

Without a key, a client or an API yet:

  python -m helseid_fn.cli.first_key file:PATH         make a private key, and print the public half to register
  python -m standin                                    run HelseID and the Sample API here, and print settings for them
  make demo                                            watch all of it work
"""


def main() -> int:
    """Print the usage; return the exit status, 2 if anything was asked for."""
    asked = sys.argv[1:] not in ([], ["--help"], ["-h"])
    (sys.stderr if asked else sys.stdout).write(USAGE)
    return 2 if asked else 0


if __name__ == "__main__":
    sys.exit(main())
