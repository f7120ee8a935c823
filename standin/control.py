"""A loopback channel by which another process scripts and observes a stand-in; off unless asked for."""

import json
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any

from standin import faults, secret_faults
from standin.events import event, told_key, told_version
from standin.messages import Answer, Request

if TYPE_CHECKING:
    from standin.standin import StandIn

CONTROL_PATH = "/__standin/"
_FAULTS_OF = {
    "helseid": (faults, "token"),
    "api": (faults, "api"),
    "selvbetjening": (faults, "register"),
    "secret_manager": (secret_faults, "access"),
}
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
            "registered-keys": lambda _: [told_key(key) for key in standin.registered_keys()],
            "signing-kids": lambda _: standin.signing_kids(),
            "secret-versions": lambda _: [told_version(version) for version in standin.secret_manager.versions()],
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
            "expire-key": lambda given: standin.expire_key(given["kid"], given.get("in_seconds", 0)),
            "move-clock": lambda given: standin.clock.move(given["seconds"]),
            "reset-record": lambda _: standin.reset_record(),
            "api-settings": lambda given: _set(standin.api.settings, given),
            "selvbetjening-settings": lambda given: _set(standin.selvbetjening.settings, given),
        }

    def _party(self, given: Mapping[str, Any]) -> Any:
        """Find the party that is meant, HelseID unless another is named."""
        name = given.get("party", "helseid")
        if name not in _FAULTS_OF:
            raise ValueError(f"no party {name}; there are {', '.join(_FAULTS_OF)}")
        return getattr(self._standin, name)

    def _fail_next(self, given: Mapping[str, Any]) -> None:
        """Plan `{"party", "kind", "fault": "Status", "arguments": {"status": 503}, "times", "after"}`."""
        party = given.get("party", "helseid")
        named = self._party({"party": party})
        module, kind = _FAULTS_OF[party]
        known = [name for name, value in vars(module).items() if is_dataclass(value) and value.__module__ == module.__name__]
        if given["fault"] not in known:
            raise ValueError(f"no fault {given['fault']}; there are {', '.join(known)}")
        fault = getattr(module, given["fault"])(**given.get("arguments", {}))
        times, after = given.get("times", 1), given.get("after", 0)
        named.fail_next(given.get("kind", kind), fault, times=times, after=after)


def _set(settings: object, given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        getattr(settings, name)
        setattr(settings, name, value)
