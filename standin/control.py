"""An HTTP control channel through which another process scripts and observes a stand-in; off by default."""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
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

_WITH_NONCES = ("helseid", "api", "selvbetjening")

Verb = Callable[["Arguments"], object]


class Arguments(dict[str, Any]):
    """The members of a verb's JSON body; one that is missing is reported by its name."""

    def __init__(self, verb: str, body: bytes) -> None:
        """Parse the body; an empty one has no members. Raises `ValueError` with a sentence."""
        try:
            members = json.loads(body or b"{}")
        except ValueError:
            members = None
        if not isinstance(members, dict):
            raise ValueError(f"{verb} takes a JSON object")  # noqa: TRY004  # the caller's input, not a caller's bug
        super().__init__(members)
        self._verb = verb

    def __missing__(self, name: str) -> Any:
        """Refuse the request."""
        raise ValueError(f"{self._verb} needs {name}")


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
            return Response.json(200, {"result": verb(Arguments(name, request.body))})
        except (TypeError, ValueError, AttributeError, RuntimeError) as error:
            return Response.json(400, {"error": f"{error}"})

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
            "rotate-nonces": self._rotate_nonces,
            "fail-next": self._fail_next,
            "clear-faults": lambda given: self._party(given).clear_faults(),
            "stop": self._stop,
            "start": lambda given: self._party({"party": given["party"]}).start(),
            "override": self._override,
            "expire-key": self._expire_key,
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

    def _stop(self, given: Arguments) -> None:
        """Stop a party, except HelseID, whose port serves this channel."""
        if given["party"] == "helseid":
            raise ValueError("HelseID cannot be stopped: its port serves this channel, so nothing could start it again")
        self._party(given).stop()

    def _override(self, given: Arguments) -> None:
        """Plan a change: `{"party", "kind", "members", "without", "times"}`."""
        if given.get("party") == "secret_manager":
            raise ValueError("the secret manager's responses cannot be overridden; choose another party")
        members, without, times = given.get("members", {}), given.get("without", ()), given.get("times", 1)
        self._party(given).override(given["kind"], members, without=without, times=times)

    def _rotate_nonces(self, given: Arguments) -> None:
        if given["party"] not in _WITH_NONCES:
            raise ValueError(f"{given['party']} has no nonces; choose one of {', '.join(_WITH_NONCES)}")
        self._standin.rotate_nonces(given["party"])

    def _expire_key(self, given: Arguments) -> None:
        kid = given["kid"]
        if kid not in [key.kid for key in self._standin.registered_keys()]:
            raise ValueError(f"there is no registered key with the kid {kid}")
        self._standin.expire_key(kid, given.get("in_seconds", 0))

    def _fail_next(self, given: Arguments) -> None:
        """Plan a fault: `{"party", "kind", "fault": "Status", "arguments": {"status": 503}, "times", "after"}`."""
        party = given.get("party", "helseid")
        target = self._party({"party": party})
        module, kind = _FAULTS_OF[party]
        known = [name for name, value in vars(module).items() if is_dataclass(value) and value.__module__ == module.__name__]
        if given["fault"] not in known:
            raise ValueError(f"there is no fault {given['fault']}; choose one of {', '.join(known)}")
        kind_of_fault = getattr(module, given["fault"])
        try:
            fault = kind_of_fault(**given.get("arguments", {}))
        except TypeError:
            names = [field.name for field in fields(kind_of_fault)]
            raise ValueError(f"arguments must be those of {given['fault']}: {', '.join(names) or 'none'}") from None
        times, after = given.get("times", 1), given.get("after", 0)
        target.fail_next(given.get("kind", kind), fault, times=times, after=after)


def _set(settings: Any, given: Mapping[str, Any]) -> None:
    known = [field.name for field in fields(settings)]
    for name in given:
        if name not in known:
            raise ValueError(f"there is no setting {name}; choose from {', '.join(known)}")
    for name, value in given.items():
        setattr(settings, name, value)
