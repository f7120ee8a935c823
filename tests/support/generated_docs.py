"""The tables in `docs/` that are generated from code: `python -m tests.support.generated_docs` writes them again."""

from functools import partial
from pathlib import Path

from helseid_fn.setting_table import REQUIRED, SETTINGS, Setting
from tests.support.command_line_docs import commands_table, env_example, exit_codes_table, options_table
from tests.support.doctor_faults import faults_table
from tests.support.faults.table import render

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
ENV_EXAMPLE = ROOT / ".env.example"


def settings_table() -> str:
    """Return the table of all settings, as Markdown."""
    lines = ["| name | meaning | default | example |", "|---|---|---|---|"]
    lines += [f"| `{each.name}` | {each.meaning} | {_default(each)} | `{each.example}` |" for each in SETTINGS]
    return "\n".join(lines)


def _default(setting: Setting) -> str:
    if setting.default is None:
        return "none"
    return REQUIRED if setting.default is REQUIRED else f"`{setting.default}`"


GENERATED = (
    ("configuration.md", "settings", settings_table),
    ("errors.md", "fault matrix", render),
    ("command-line.md", "commands", commands_table),
    *(
        ("command-line.md", f"{name} options", partial(options_table, name))
        for name in ("import", "call", "doctor", "rotate", "serve")
    ),
    ("command-line.md", "exit codes", exit_codes_table),
    ("troubleshooting.md", "doctor faults", faults_table),
)
"""The page, the name of the block that is generated in it, and what generates it."""


def block(text: str, name: str) -> str:
    """Return what a page shows between `<!-- NAME -->` and `<!-- end of NAME -->`."""
    return text.split(f"<!-- {name} -->\n", 1)[1].split(f"<!-- end of {name} -->", 1)[0].removesuffix("\n")


def main() -> None:
    """Write every generated block, and `.env.example`, again."""
    ENV_EXAMPLE.write_text(env_example())
    for page, name, generate in GENERATED:
        text = (DOCS / page).read_text()
        before, _, rest = text.partition(f"<!-- {name} -->\n")
        _, _, after = rest.partition(f"<!-- end of {name} -->")
        (DOCS / page).write_text(f"{before}<!-- {name} -->\n{generate()}\n<!-- end of {name} -->{after}")


if __name__ == "__main__":
    main()
