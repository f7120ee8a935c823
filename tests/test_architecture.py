"""The architecture's rules: what imports what, what is deployed, what the import costs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "helseid_fn"
PRODUCT = [ROOT / "main.py", *sorted(PACKAGE.rglob("*.py"))]
STANDIN = sorted((ROOT / "standin").rglob("*.py"))

# Low to high: a folder or module of the package imports from its own layer and those below.
LAYERS = (
    "redaction echo errors error_codes",
    "keys concurrency context",
    "http",
    "cloud_sdk aws_sdk oauth",
    "settings setting_table setting_parsers setting_faults secret_store delivery",
    "api",
    "rotation client auth httpx_auth",
    "function",
    "cli testing main __main__",
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names.split()}

SOLE_IMPORTERS = {
    "requests": "http auth testing",
    "httpx": "httpx_auth",
    "urllib3": "http",
    "jwt": "keys",
    "cryptography": "keys cli.doctor",
    "google": "secret_store.google delivery.google",
    "google_crc32c": "secret_store.google delivery.google",
    "grpc": "secret_store.google delivery.google",
    "boto3": "aws_sdk",
    "botocore": "aws_sdk",
    "flask": "main function cli.default_job cli.serve",
    "cloudevents": "main function cli.default_job",
    "click": "cli",
    "dotenv": "cli",
}
"""Where a library may be imported: a folder, with all below it, or a module."""


def name_of(path: Path) -> str:
    """Return a module's name without the package: `main`, `http.transport`, `` for the package itself."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part not in ("helseid_fn", "__init__"))


def imports_of(path: Path, *, for_types: bool = True) -> Iterator[str]:
    """List what a module imports; without `for_types`, omit what only annotations need."""
    tree = ast.parse(path.read_text())
    if not for_types:
        tree.body = [node for node in tree.body if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(path: Path, *, for_types: bool = True) -> set[str]:
    """Return the names of the package's own modules that a module imports."""
    modules = {name_of(each) for each in PRODUCT if each.name != "__init__.py"}
    own = [name.split(".")[1:] for name in imports_of(path, for_types=for_types) if name.startswith("helseid_fn.")]
    return {known for parts in own for end in (1, 2, 3, 4) if (known := ".".join(parts[:end])) in modules}


@pytest.mark.parametrize("path", [path for path in PRODUCT if name_of(path)], ids=name_of)
def test_a_module_imports_from_its_layer_and_below(path: Path) -> None:
    layer = name_of(path).split(".")[0]
    assert layer in RANK, f"{layer} has no place in LAYERS"
    upward = {other for other in own_imports(path) if RANK[other.split(".")[0]] > RANK[layer]}
    assert not upward, f"{name_of(path)} imports {upward}, which is above it"


def test_every_layer_is_a_module_or_folder() -> None:
    assert set(RANK) == {name_of(path).split(".")[0] for path in PRODUCT} - {""}


def test_the_layers_are_documented() -> None:
    section = (ROOT / "docs" / "architecture.md").read_text().partition("## Imports point one way")[2].split("```")[1]
    documented = [set(layer.replace(",", " ").split()) for layer in section.split("→")]
    assert documented == [set(names.split()) for names in reversed(LAYERS)]


def test_no_import_is_circular() -> None:
    modules = {name_of(path): own_imports(path, for_types=False) for path in PRODUCT if path.name != "__init__.py"}
    TopologicalSorter(modules).prepare()


@pytest.mark.parametrize("library", SOLE_IMPORTERS)
def test_a_library_is_imported_in_its_own_place(library: str) -> None:
    importers = {name_of(path) for path in PRODUCT if any(name.split(".")[0] == library for name in imports_of(path))}
    places = SOLE_IMPORTERS[library].split()
    assert not [name for name in importers if not any(f"{name}.".startswith(f"{place}.") for place in places)]


def test_the_environment_is_read_at_entry_points_alone() -> None:
    readers = {name_of(path) for path in PRODUCT if re.search(r"os\.(environ|getenv)", path.read_text())}
    entry_points = {"function.app", "testing", "aws_sdk.hours_since_success"}
    assert {name for name in readers if not name.startswith("cli.")} == entry_points


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: name_of(path) or "helseid_fn")
def test_a_module_is_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= (60 if path == ROOT / "main.py" else 200)


def test_no_framework_is_imported_at_run_time() -> None:
    code = "import sys; import main; print(sorted({'flask', 'functions_framework', 'werkzeug'} & set(sys.modules)))"
    assert run_python(code).strip() == "[]"


def test_importing_main_imports_no_cloud_sdk() -> None:
    sdks = "'google.auth', 'google.api_core', 'google.cloud.secretmanager', 'google_crc32c', 'grpc', 'boto3', 'botocore', "
    sdks += "'google.cloud.storage', 'google.pubsub_v1', 'helseid_fn.delivery.google', 'helseid_fn.delivery.aws'"
    assert run_python(f"import sys; import main; print([each for each in ({sdks}) if each in sys.modules])").strip() == "[]"


NOT_DEPLOYED = {"__main__", "cli", "testing"}
"""The command line."""


def test_importing_main_loads_only_what_it_uses() -> None:
    loaded = run_python("import sys; import main; print(*sys.modules)").split()
    ours = {name.split(".")[1] for name in loaded if name.startswith("helseid_fn.")}
    assert {"function", "api", "secret_store"} <= ours
    assert not {"rotation", "client", "auth", "httpx_auth", *NOT_DEPLOYED} & ours
    assert not {"click", "dotenv", "httpx", "rich"} & set(loaded)


@pytest.mark.parametrize(("host", "other"), [("google", "aws"), ("aws", "google")])
def test_a_host_loads_its_own_adapter_alone(host: str, other: str) -> None:
    on_lambda = "os.environ['AWS_LAMBDA_RUNTIME_API'] = '127.0.0.1:1'; " if host == "aws" else ""
    loaded = run_python(f"import os, sys; {on_lambda}import main; print(*sys.modules)").split()
    assert f"helseid_fn.function.{host}" in loaded
    assert f"helseid_fn.function.{other}" not in loaded


def test_help_loads_click_and_nothing_else_of_ours() -> None:
    loaded = run_python("import sys; from helseid_fn.cli.main import main; print(*sys.modules)").split()
    assert {name for name in loaded if name.startswith("helseid_fn.")} == {"helseid_fn.cli", "helseid_fn.cli.main"}
    assert not {"requests", "cryptography", "dotenv"} & set(loaded)


def test_only_the_app_and_the_loader_catch_every_exception() -> None:
    catchers = [name_of(path) for path in PRODUCT if re.search(r"except( \(?(Base)?Exception\b|:)", path.read_text())]
    assert catchers == ["cli.own_job", "function.app"]


def test_no_unbound_token_scheme_is_ever_written() -> None:
    for path in PRODUCT:
        assert "bearer" not in path.read_text().lower().replace("jwt-bearer", ""), path


@pytest.mark.parametrize("path", STANDIN, ids=lambda path: path.stem)
def test_the_stand_in_shares_no_code_and_no_jose_library(path: Path) -> None:
    assert not {name.split(".")[0] for name in imports_of(path)} & {"helseid_fn", "main", "jwt", "requests"}


LOCKS = ("requirements.txt", *sorted(f"requirements/{path.name}" for path in (ROOT / "requirements").glob("*.txt")))


def test_every_dependency_has_its_reason() -> None:
    listed = re.findall(r'^    "[^"]+",.*$', (ROOT / "pyproject.toml").read_text().split("[tool.", 1)[0], re.MULTILINE)
    dependencies = [line for line in listed if " :: " not in line]
    assert len(dependencies) > 20
    assert [line for line in dependencies if not re.search(r"# .{10,}", line)] == []


def test_every_imported_library_is_declared() -> None:
    distributions = {"google": "google-cloud-secret-manager", "grpc": "google-cloud-secret-manager", "botocore": "boto3"}
    distributions |= {"jwt": "pyjwt", "google_crc32c": "google-crc32c", "dotenv": "python-dotenv"}
    for path in PRODUCT:
        name = name_of(path)
        extra = next((cloud for cloud in ("google", "aws") if f".{cloud}." in name or name.startswith(f"{cloud}_sdk")), None)
        extra = "httpx" if name == "httpx_auth" else extra
        for imported in imports_of(path):
            top = imported.split(".")[0]
            if top not in sys.stdlib_module_names and top not in ("helseid_fn", "flask", "cloudevents"):
                assert distributions.get(top, top) in declared(extra), f"{name} imports {top}, which pyproject.toml lacks"


def declared(extra: str | None) -> set[str]:
    """Return the distributions that the package declares, with those of an extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = [*project["dependencies"], *(project["optional-dependencies"][extra] if extra else ())]
    return {re.split(r"[<>=\[]", requirement)[0].lower() for requirement in requirements}


def test_no_cloud_installs_the_client_of_the_other() -> None:
    assert not {"boto3", "botocore", "s3transfer"} & pins_of("requirements.txt").keys()
    not_for_aws = ("google", "grpc", "proto", "functions-framework", "flask", "werkzeug")
    assert not [name for name in pins_of("requirements/aws.txt") if name.startswith(not_for_aws)]


def test_both_clouds_install_the_same_versions() -> None:
    google, aws = pins_of("requirements.txt"), pins_of("requirements/aws.txt")
    shared = google.keys() & aws.keys()
    assert {"requests", "urllib3", "cryptography", "pyjwt"} <= shared
    assert {name: google[name] for name in shared} == {name: aws[name] for name in shared}


def pins_of(file: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / file).read_text(), re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    pins = re.findall(r"^[\w.-]+==.*", text, re.MULTILINE)
    assert pins
    assert all(pin.endswith("\\") for pin in pins)
    assert "://" not in text


def test_exactly_the_function_is_deployed() -> None:
    """`.gcloudignore` has git's syntax, so git reports what it excludes."""

    def listed(*flags: str) -> set[str]:
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *flags]
        return set(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())

    tracked = listed()
    ignored = set(
        subprocess.run(
            ["git", "ls-files", "--cached", "--ignored", "--exclude-from=.gcloudignore"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
    )
    cached = set(subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())
    product = {str(path.relative_to(ROOT)) for path in PRODUCT if name_of(path).split(".")[0] not in NOT_DEPLOYED}
    assert (cached & tracked) - ignored == (product | {"requirements.txt"}) & cached
    assert product <= tracked


def test_importing_main_loads_few_modules() -> None:
    """About 440 on Python 3.11; a cloud SDK or an OAuth framework adds hundreds. `make bench` measures the time."""
    assert int(run_python("import sys; import main; print(len(sys.modules))")) <= 500


SETTINGS = {
    "HELSEID_ISSUER": "https://issuer.example",
    "HELSEID_CLIENT_ID": "client",
    "HELSEID_SCOPE": "scope",
    "HELSEID_KEY": "projects/p/secrets/s/versions/latest",
    "API_URL": "https://api.example/",
}


def run_python(code: str) -> str:
    environment = {**SETTINGS, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True).stdout
