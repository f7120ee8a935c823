"""`helseid-fn serve`: the function under functions-framework on this machine, with the settings of `.env`."""

from __future__ import annotations

import socket
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from helseid_fn.http.url import is_loopback

_DEFAULT_JOB = Path(__file__).with_name("default_job.py")


@click.command("serve")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535), help="The port on 127.0.0.1.")
@click.option(
    "--target",
    default="run",
    show_default=True,
    type=click.Choice(["run", "rotate"]),
    help="The job, or the rotation of the key.",
)
@click.option(
    "--source", type=click.Path(exists=True, dir_okay=False), help="Your main.py.  [default: ./main.py, else the default job]"
)
def command(port: int, target: str, source: str | None) -> None:
    """Serve the function over HTTP on this machine, until Ctrl-C.

    It is functions-framework that serves it, as on Google Cloud, with the settings of .env and the environment.
    """
    framework = next(iter(entry_points(group="console_scripts", name="functions-framework")), None)
    if framework is None:
        raise click.ClickException('functions-framework is not installed. Run: pip install "helseid-fn[google]"')
    if not _is_free(port):
        raise click.ClickException(f"Port {port} is in use. Stop the program that uses it, or choose another --port.")
    own = Path("main.py")
    served = Path(source) if source else own if own.exists() else _DEFAULT_JOB
    click.echo(f"Serving {target} of {_describe(served)} on http://127.0.0.1:{port}/ until Ctrl-C.", err=True)
    click.echo(f"Call it from another terminal: curl -s -X POST http://127.0.0.1:{port}/", err=True)
    _refuse_web_pages()
    framework.load().main(args=[f"--target={target}", f"--source={served}", "--host=127.0.0.1", f"--port={port}"])


def _refuse_web_pages() -> None:
    """Have Flask refuse what a page of the web sends, also under a name of its own that it leads to this machine."""
    import flask  # noqa: PLC0415  # functions-framework has it

    def check(_sender: object, **_options: Any) -> None:
        headers = flask.request.headers
        is_here = is_loopback(urlsplit(f"//{headers.get('Host')}").hostname or "")
        is_own = is_loopback(urlsplit(headers.get("Origin", "http://localhost")).hostname or "")
        if not is_here or not is_own or headers.get("Sec-Fetch-Site") == "cross-site":  # an image has no Origin
            flask.abort(403, "Only this machine may call the function: the Host and the Origin must be 127.0.0.1 or localhost.")

    flask.request_started.connect(check, weak=False)


def _describe(source: Path) -> str:
    return "the default job" if source == _DEFAULT_JOB else str(source)


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
