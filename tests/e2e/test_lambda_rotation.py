"""A rotation by Secrets Manager: moto's RotateSecret invokes the archive under AWS's runtime interface client."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from demo.lambda_runtime.events import OTHER_CHILD
from demo.lambda_runtime.function import LambdaFunction, start_lambda
from demo.lambda_runtime.target import HERE
from infra.lambda_zip import Target
from standin import Client, StandIn, faults, make_jwk, public_jwk
from standin.aws.secrets_manager import SESSION_TOKEN, SecretsManager
from standin.registered_keys import RegisteredKey
from tests.support.deployment import fragments_of

STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]


class Deployed:
    """The function, the rotating function, and Secrets Manager between them."""

    def __init__(self, standin: StandIn, manager: SecretsManager, arn: str, start: Callable[..., LambdaFunction]) -> None:
        self.standin, self.manager, self.arn = standin, manager, arn
        self.function, self.rotating = start("main.lambda_handler"), start("main.rotate_lambda")
        self.start = start
        self.during: list[str] = []
        """The status of the call after each step."""

    def rotate(self) -> list[str]:
        """Let Secrets Manager rotate the secret, with a call after each step, and return the result of each step."""
        done: list[str] = []

        def invoke(event: dict[str, Any]) -> bool:
            invocation = self.rotating.invoke(event)
            done.append(invocation.result["errorType"] if invocation.failed else invocation.result["rotation"])
            self.standin.revoke_tokens()
            self.during.append(self.function.invoke({}).result["status"])
            return not invocation.failed

        self.manager.rotate(self.arn, invoke)
        return done

    def new_keys(self) -> list[RegisteredKey]:
        """Return the keys that a program registered in Selvbetjening."""
        return [key for key in self.standin.registered_keys() if key.origin == "Api"]

    def lines(self, function: LambdaFunction, number: int) -> list[dict[str, Any]]:
        """Return the lines of all invocations, of which there were `number`: a line may come after its response."""
        function.process.wait_for(lambda: sum("outcome" in line for line in function.lines) >= number)
        return [line for line in function.lines if "outcome" in line]


@pytest.fixture
def deployed(lambda_zip: Callable[[Target], Path]) -> Iterator[Deployed]:
    key = make_jwk("ES256")
    client = Client(client_id="client", jwks=[public_jwk(key)], children=("999977776", "999977775"))
    started: list[LambdaFunction] = []
    with StandIn([client]) as standin, SecretsManager() as manager:
        arn = manager.add(json.dumps(key))
        settings = {**standin.environment(arn), **manager.environment(arn, AWS_SESSION_TOKEN=SESSION_TOKEN)}

        def start(handler: str, **more: str) -> LambdaFunction:
            own = {**settings, "ROTATION_ALG": "ES256", **more}
            started.append(start_lambda(lambda_zip(HERE), HERE, own, handler=handler))
            return started[-1]

        yield Deployed(standin, manager, arn, start)
        for each in started:
            each.stop()
        printed = "".join("".join(each.process.other_output) + json.dumps(each.lines) for each in started)
        kept = [json.loads(manager.client.get_secret_value(SecretId=arn, VersionStage="AWSCURRENT")["SecretString"])]
        assert [piece for piece in fragments_of(standin.secrets(), key, *kept) if piece in printed] == []


def test_repeated_rotations_let_no_call_fail(deployed: Deployed) -> None:
    assert deployed.rotate() == ["created", "registered", "tested", "rotated"]
    assert [line["rotation_step"] for line in deployed.lines(deployed.rotating, 4)] == STEPS
    assert deployed.rotate() == ["not_due", "not_due", "tested", "not_due"]
    (first,) = deployed.new_keys()
    deployed.rotating = deployed.start("main.rotate_lambda", ROTATION_DUE_FRACTION="1e-9")
    assert deployed.rotate() == ["created", "registered", "tested", "rotated"]
    second = deployed.new_keys()[-1]
    assert deployed.function.invoke(OTHER_CHILD).result["status"] == "ok"
    assert (len(deployed.new_keys()), deployed.standin.signing_kids()[-1]) == (2, second.kid)
    assert first.kid in deployed.standin.signing_kids()
    assert deployed.lines(deployed.function, 13)[-1]["key_expires_in_days"] == 180.0
    assert deployed.during == ["ok"] * 12


def test_the_next_rotation_completes_one_that_failed(deployed: Deployed) -> None:
    deployed.standin.selvbetjening.fail_next("keys", faults.Problem(403))
    with pytest.raises(ClientError, match="The rotation's function failed"):
        deployed.rotate()
    _, line = deployed.lines(deployed.rotating, 2)
    assert (line["rotation_step"], line["code"]) == ("setSecret", "selvbetjening.refused.forbidden")
    assert deployed.rotate() == ["created", "registered", "tested", "rotated"]
    assert len(deployed.new_keys()) == 1
    assert deployed.during == ["ok"] * 6
