"""What `docs/command-line.md` and `.env.example` say of the commands, options, exit codes and settings."""

from __future__ import annotations

import re
from importlib import import_module

import click

from helseid_fn import errors
from helseid_fn.cli.exit_codes import exit_code_of
from helseid_fn.cli.key import DEFAULT_STORE
from helseid_fn.cli.main import COMMANDS
from helseid_fn.setting_table import REQUIRED, SETTINGS


def commands_table() -> str:
    """Return the table of commands."""
    return _table(("command", "what it does"), [(f"`{name}`", meaning) for name, (_, meaning) in COMMANDS.items()])


def options_table(command: str) -> str:
    """Return the table of a command's options."""
    found = import_module(f"helseid_fn.cli.{COMMANDS[command][0]}").command
    ctx = click.Context(found)
    records = [each.get_help_record(ctx) for each in found.params if isinstance(each, click.Option)]
    return _table(("option", "effect"), [(f"`{record[0]}`".replace("|", " or "), record[1]) for record in records if record])


def exit_codes_table() -> str:
    """Return the table of exit codes."""
    kinds = [*errors.HelseidFnError.__subclasses__(), *errors.PartyError.__subclasses__()]
    codes = {exit_code_of(kind.__new__(kind)): kind for kind in kinds if kind is not errors.PartyError}
    rows = [("0", "it worked"), ("1", "a file cannot be read or written, a port is taken, or it was interrupted")]
    rows += [(f"{code}", f"`{kind.__name__}`: {kind.title[0].lower()}{kind.title[1:]}") for code, kind in sorted(codes.items())]
    return _table(("code", "meaning"), rows)


def _table(head: tuple[str, str], rows: list[tuple[str, str]]) -> str:
    return "\n".join(f"| {first} | {second} |" for first, second in (head, ("---", "---"), *rows)).replace(
        "| --- | --- |", "|---|---|"
    )


def env_example() -> str:
    """Return `.env.example`: every setting with its meaning and its default or an example; the required ones are set."""
    lines = ["# Copy this to .env, which only the command line reads. docs/configuration.md explains every setting."]
    for setting in SETTINGS:
        mark = "" if setting.default is REQUIRED else "#"
        value = setting.example if setting.default in (REQUIRED, None) else setting.default
        value = DEFAULT_STORE if setting.name == "HELSEID_KEY" else value
        meaning = re.sub(r"\[([^]]*)\]\([^)]*\)|\*(\w+)\*|`", r"\1\2", setting.meaning)
        lines += ["", f"# {meaning}", f"{mark}{setting.name}='{value}'"]
    return "\n".join(lines) + "\n"
