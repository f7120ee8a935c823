"""A loopback channel by which another process scripts and observes a stand-in; off unless asked for."""

import json
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any

from tests.standin import faults, secret_faults
from tests.standin.events import event
from tests.standin.messages import Answer, Request

if TYPE_CHECKING:
    from tests.standin.standin import StandIn

CONTROL_PATH = "/__standin/"
_FAULTS_OF = {"helseid": (faults, "token"), "api": (faults, "api"), "secret_manager": (secret_faults, "access")}
"""Where each party's faults are named, and the kind of request they meet unless another is named."""

Verb = Callable[[Mapping[str, Any]], object]


class Control:
    """Answers `POST /__standin/<verb>` with a JSON body of arguments, and `GET` for what can be read."""

    def __init__(self, standin: "StandIn") -> None:
        """Control this stand-in."""
        self._standin = standin

    def answer(self, request: Request) -> Answer:
        """Do what the verb says; unknown verbs and bad arguments are told apart."""
        name = request.path.removeprefix(CONTROL_PATH)
        verb = (self._readings() if request.method == "GET" else self._verbs()).get(name)
        if verb is None:
            return Answer.of(404, {"error": f"no {request.method} {name}"})
        try:
            arguments = json.loads(request.body or b"{}")
            return Answer.of(200, {"result": verb(arguments)})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            return Answer.of(400, {"error": f"{type(error).__name__}: {error}"})

    def _readings(self) -> dict[str, Verb]:
        standin = self._standin
        return {
            "events": lambda _: [event(exchange) for exchange in standin.received],
            "secrets": lambda _: standin.secrets(),
        }

    def _verbs(self) -> dict[str, Verb]:
        standin = self._standin
        return {
            "revoke-tokens": lambda _: standin.revoke_tokens(),
            "rotate-nonces": lambda given: standin.rotate_nonces(given["party"]),
            "fail-next": self._fail_next,
            "clear-faults": lambda given: self._party(given).clear_faults(),
            "stop": lambda given: self._party(given).stop(),
            "start": lambda given: self._party(given).start(),
            "override": lambda given: self._party(given).override(
                given["kind"],
                given.get("members", {}),
                without=given.get("without", ()),
                times=given.get("times", 1),
            ),
            "move-clock": lambda given: standin.clock.move(given["seconds"]),
            "reset-record": lambda _: standin.reset_record(),
            "api-settings": self._set_api,
        }

    def _party(self, given: Mapping[str, Any]) -> Any:
        """Find the party that is meant, HelseID unless another is named."""
        name = given.get("party", "helseid")
        if name not in ("helseid", "api", "secret_manager"):
            raise ValueError(f"no party {name}; there are helseid, api and secret_manager")
        return getattr(self._standin, name)

    def _fail_next(self, given: Mapping[str, Any]) -> None:
        """Plan `{"party", "kind", "fault": "Status", "arguments": {"status": 503}, "times", "after"}`."""
        party = given.get("party", "helseid")
        module, kind = _FAULTS_OF.get(party, (faults, "token"))
        known = [name for name, value in vars(module).items() if is_dataclass(value) and value.__module__ == module.__name__]
        if given["fault"] not in known:
            raise ValueError(f"no fault {given['fault']}; there are {', '.join(known)}")
        fault = getattr(module, given["fault"])(**given.get("arguments", {}))
        times, after = given.get("times", 1), given.get("after", 0)
        self._party(given).fail_next(given.get("kind", kind), fault, times=times, after=after)

    def _set_api(self, given: Mapping[str, Any]) -> None:
        for name, value in given.items():
            getattr(self._standin.api.settings, name)
            setattr(self._standin.api.settings, name, value)
