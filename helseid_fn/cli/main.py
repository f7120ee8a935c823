"""The command line's commands, each of which is loaded when it is called, and the settings that they share."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

import click

COMMANDS = {
    "import": ("import_client", "Write .env and a key file from what Selvbetjening gave."),
    "call": ("call", "Sign in, call the API once, and print its response."),
    "doctor": ("doctor.command", "Check everything between here and the API, and name the cause."),
    "key": ("key", "Make, show and date the client's private key."),
    "rotate": ("rotate", "Replace the client's key if it is due."),
    "serve": ("serve", "Serve the function over HTTP on this machine."),
}
"""By name: the module of `helseid_fn.cli` whose `command` it is, and what it does."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"helseid_fn.cli.{COMMANDS[cmd_name][0]}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading one."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, meaning) for name, (_, meaning) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; an error of ours becomes its sentence and its exit code."""
        from helseid_fn.cli.environment import describe_absence  # noqa: PLC0415  # `--help` reads nothing
        from helseid_fn.cli.exit_codes import exit_code_of  # noqa: PLC0415  # `--help` needs no errors
        from helseid_fn.errors import HelseidFnError, SettingsError  # noqa: PLC0415  # the same

        try:
            return super().invoke(ctx)
        except SettingsError as error:
            click.echo("\n  ".join(("Error: The settings are wrong:", *error.faults)), err=True)
            if absence := describe_absence(ctx.params["env_file"]):
                click.echo(absence, err=True)
            ctx.exit(exit_code_of(error))
        except HelseidFnError as error:
            click.echo(f"Error: {error.caller_detail}", err=True)
            ctx.exit(exit_code_of(error))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="helseid-fn", message="%(version)s")
@click.option(
    "--env-file",
    default=".env",
    show_default=True,
    metavar="FILE",
    help="Settings, one NAME=VALUE a line; the environment takes precedence.",
)
@click.pass_context
def main(ctx: click.Context, env_file: str) -> None:
    """Sign in to HelseID as a machine and call an API that HelseID protects."""
    from helseid_fn.cli.environment import choose_for_libraries, read_environment  # noqa: PLC0415  # `--help` reads nothing

    is_chosen = ctx.get_parameter_source("env_file") is not click.core.ParameterSource.DEFAULT
    must_exist = is_chosen and ctx.invoked_subcommand != "import"  # which may make it
    ctx.obj = read_environment(env_file, os.environ, must_exist=must_exist)
    # Libraries read their own variables there. `serve` runs the folder's main.py, which may read any.
    os.environ.update(ctx.obj if ctx.invoked_subcommand == "serve" else choose_for_libraries(ctx.obj))
