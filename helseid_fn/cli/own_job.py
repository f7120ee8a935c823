"""The job of the `main.py` in the folder, if it is one for this function."""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path

import click

from helseid_fn.function.app import App
from helseid_fn.function.default_job import call_api
from helseid_fn.function.runner import JobFunction


def load_job(path: Path, environ: Mapping[str, str]) -> JobFunction:
    """Return the job of a program that imports `helseid_fn` and makes an `App`; the default one where there is no such program.

    The program is run as the hosts run it, with all variables of `environ`. Any other `main.py` is left alone. Raises
    `click.ClickException` for one that raises an exception, after its traceback.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return call_api
    if "helseid_fn" not in text:
        return call_api
    spec = importlib.util.spec_from_file_location("main", path)
    if spec is None or spec.loader is None:
        raise click.ClickException(f"{path} cannot be loaded as a Python program.")
    os.environ.update(environ)
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.resolve().parent))
    sys.modules["main"] = module
    logging.disable(logging.WARNING)  # the command has warned already, and not on standard output
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # noqa: BLE001  # the program is the user's, and may raise anything
        raise click.ClickException(_explain(path, error)) from None
    finally:
        logging.disable(logging.NOTSET)
    app = next((each for each in vars(module).values() if isinstance(each, App)), None)
    return call_api if app is None else app.runner.job


def _explain(path: Path, error: Exception) -> str:
    """Print the program's own part of the traceback, and return the fault in a sentence and its remedy."""
    frames = error.__traceback__
    while frames and frames.tb_frame.f_code.co_filename != str(path.resolve()):
        frames = frames.tb_next
    traceback.print_exception(error.with_traceback(frames))
    remedy = "Correct it where its traceback ends."
    if isinstance(error, ModuleNotFoundError):
        remedy = f"Install what {error.name} is part of."
    elif isinstance(error, KeyError):
        remedy = f"If {error} is a variable, set it in .env or in the environment."
    return f"{path} could not be loaded: {type(error).__name__}. {remedy}"
