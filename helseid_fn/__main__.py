"""Runs the command line: `python -m helseid_fn`."""

from helseid_fn.cli.main import main

if __name__ == "__main__":
    main(prog_name="python -m helseid_fn")
