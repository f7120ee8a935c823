"""An HTTP control channel through which another process scripts and observes a stand-in; off by default."""

import json
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any

from standin import faults, secret_faults
from standin.events import describe_key, describe_version, event
from standin.messages import Request, Response

if TYPE_CHECKING:
    from standin.standin import StandIn

CONTROL_PATH = "/__standin/"
_FAULTS_OF = {
    "helseid": (faults, "token"),
    "api": (faults, "api"),
    "selvbetjening": (faults, "register"),
    "secret_manager": (secret_faults, "access"),
}
"""For each party: the module of its faults, and the kind of request that fails by default."""

Verb = Callable[[Mapping[str, Any]], object]


class Control:
    """Serves `POST /__standin/<verb>` with a JSON body of arguments, and `GET /__standin/<verb>` for readings."""

    def __init__(self, standin: "StandIn") -> None:
        """Control this stand-in."""
        self._standin = standin

    def respond(self, request: Request) -> Response:
        """Execute a verb; respond with 404 to an unknown verb and with 400 to bad arguments."""
        name = request.path.removeprefix(CONTROL_PATH)
        verb = (self._readings() if request.method == "GET" else self._verbs()).get(name)
        if verb is None:
            return Response.json(404, {"error": f"There is no {request.method} {name}."})
        try:
            arguments = json.loads(request.body or b"{}")
            return Response.json(200, {"result": verb(arguments)})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            return Response.json(400, {"error": f"{type(error).__name__}: {error}"})

    def _readings(self) -> dict[str, Verb]:
        standin = self._standin
        return {
            "events": lambda _: [event(exchange) for exchange in standin.received],
            "secrets": lambda _: standin.secrets(),
            "registered-keys": lambda _: [describe_key(key) for key in standin.registered_keys()],
            "signing-kids": lambda _: standin.signing_kids(),
            "secret-versions": lambda _: [describe_version(version) for version in standin.secret_manager.versions()],
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
        """Return the named party, by default HelseID."""
        name = given.get("party", "helseid")
        if name not in _FAULTS_OF:
            raise ValueError(f"there is no party {name}; choose one of {', '.join(_FAULTS_OF)}")
        return getattr(self._standin, name)

    def _fail_next(self, given: Mapping[str, Any]) -> None:
        """Plan a fault: `{"party", "kind", "fault": "Status", "arguments": {"status": 503}, "times", "after"}`."""
        party = given.get("party", "helseid")
        target = self._party({"party": party})
        module, kind = _FAULTS_OF[party]
        known = [name for name, value in vars(module).items() if is_dataclass(value) and value.__module__ == module.__name__]
        if given["fault"] not in known:
            raise ValueError(f"there is no fault {given['fault']}; choose one of {', '.join(known)}")
        fault = getattr(module, given["fault"])(**given.get("arguments", {}))
        times, after = given.get("times", 1), given.get("after", 0)
        target.fail_next(given.get("kind", kind), fault, times=times, after=after)


def _set(settings: object, given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        getattr(settings, name)
        setattr(settings, name, value)
