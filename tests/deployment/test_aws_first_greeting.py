"""The five commands of the AWS module's README, run in a shell as they are, from nothing to the greeting.

AWS is the emulator, HelseID and the API the stand-in. Of the programs, `make` builds for this machine's architecture, and `aws`
makes its calls with boto3. `make_key` finds AWS's client installed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from demo.lambda_runtime.target import HERE
from standin import Client, StandIn
from tests.deployment.aws_provider import own_copy
from tests.deployment.ministack import ACCOUNT, REGION, Aws
from tests.deployment.ministack import ROOT as OWNER
from tests.deployment.workspace import MODULES, ROOT, Workspaces

CLIENT_ID = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
README = (ROOT / MODULES / "aws/README.md").read_text()
OUTPUTS = (ROOT / MODULES / "aws/outputs.tf").read_text()
COMMANDS = re.findall(r"```sh\n(make lambda-zip\n.*?)```", README, re.DOTALL)[0].splitlines()
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/helseid-fn/helseid-fn"

# The emulator lacks saved queries and `lambda:SourceFunctionArn`, for which a session named as the function stands.
OVERRIDE = f"""
resource "aws_cloudwatch_query_definition" "queries" {{
  for_each = {{}}
}}

locals {{
  key_readers = ["{SESSION}"]
}}

resource "aws_iam_role_policy" "function" {{
  policy = replace(
    replace(data.aws_iam_policy_document.function.json, "lambda:SourceFunctionArn", "aws:PrincipalArn"),
    local.function_arn, "{SESSION}"
  )
}}
"""
PROGRAMS = {
    "make": """
if "lambda-zip" not in sys.argv:
    sys.exit()
from pathlib import Path
from demo.lambda_runtime.target import HERE
from infra.lambda_zip import build
build(HERE, Path("build"))
""",
    "aws": """
import os, shlex, sys
from pathlib import Path
import boto3
from botocore.config import Config
from tests.deployment import aws_command
response = aws_command.run(
    shlex.join(["aws", *sys.argv[1:]]), lambda service: boto3.client(service, config=Config(proxies={})), Path.cwd()
)
print(response["Payload"].read().decode())
""",
}


def remove_version(aws: Aws) -> None:
    """Remove the version without a value that the emulator gives to a new secret; AWS gives it none."""
    secrets = aws.client("secretsmanager")
    (version,) = secrets.describe_secret(SecretId="helseid-fn-key")["VersionIdsToStages"]
    secrets.update_secret_version_stage(SecretId="helseid-fn-key", VersionStage="AWSCURRENT", RemoveFromVersionId=version)


def test_there_are_five_commands() -> None:
    assert len(COMMANDS) == 5
    assert f"these {['one', 'two', 'three', 'four', 'five'][len(COMMANDS) - 1]} commands" in README


def test_make_key_installs_the_client_of_aws_first() -> None:
    assert '"make --silent .venv/aws-ready >&2 && .venv/bin/python -m helseid_fn key new ' in OUTPUTS
    assert "$(VENV)/aws-ready: LAYER := requirements/aws.txt\n" in (ROOT / "Makefile").read_text()


def test_the_five_commands_lead_to_the_greeting(workspaces: Workspaces, tmp_path: Path) -> None:
    workspace = own_copy(workspaces)
    (workspace.tree / ".venv").symlink_to(ROOT / ".venv")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in PROGRAMS.items():
        (programs / name).write_text(f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\n{text}")
        (programs / name).chmod(0o755)
    with StandIn() as standin, Aws() as aws:
        standin.register(Client(client_id=CLIENT_ID, jwks=[], tenancy="single-tenant"))
        settings = standin.environment("file:client.jwk.json", CLIENT_ID)
        variables = {
            "helseid_issuer": settings["HELSEID_ISSUER"],
            "helseid_client_id": CLIENT_ID,
            "helseid_scope": settings["HELSEID_SCOPE"],
            "api_url": settings["API_URL"],
            "alert_emails": ["on-call@example.no"],
            "architecture": HERE.arch,
            "python_version": HERE.python,
        }
        (workspace.folder / "terraform.tfvars.json").write_text(json.dumps(variables))
        (workspace.folder / "provider_override.tf").write_text(aws.provider())
        (workspace.folder / "emulator_override.tf").write_text(OVERRIDE)
        environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": OWNER["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": OWNER["aws_secret_access_key"],
            "AWS_ENDPOINT_URL": aws.url,
            "TF_CLI_CONFIG_FILE": os.environ.get("TF_CLI_CONFIG_FILE", ""),
            "CHECKPOINT_DISABLE": "1",
        }

        def run(command: str) -> str:
            ended = subprocess.run(
                ["bash", "-c", command],
                cwd=workspace.tree,
                env=environment,
                input="yes\n",
                capture_output=True,
                text=True,
                check=False,
                timeout=600,
            )
            if ended.returncode != 0:
                pytest.fail(f"{command}\n{ended.stdout}{ended.stderr}")
            return ended.stdout

        for command in COMMANDS[:3]:
            run(command)
        remove_version(aws)
        public = json.loads(run(COMMANDS[3]))
        assert "d" not in public
        standin.register(Client(client_id=CLIENT_ID, jwks=[public], tenancy="single-tenant"))
        report = json.loads(run(COMMANDS[4]))
        assert report["status"] == "ok", report
        assert report["api"]["body"]["greeting"].startswith("Hello from the Sample API")
        run("terraform -chdir=infra/terraform/aws destroy -auto-approve")
