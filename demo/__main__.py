"""`make demo` and `make demo-aws`: a machine signs in to HelseID and is greeted by the Sample API, every request shown."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass

from demo.hosts import HOSTS, Host, Stage
from demo.processes import stop_asked
from demo.rotation import calls_meanwhile
from demo.telling import tell_answer, tell_exchange, tell_rotation, tell_step

HEAD = """\
{intro}
HelseID is {helseid}, the Sample API {api}.
Tokens, signatures and keys are left out, ids cut short.

  assertion   a JWT signed with the client's private key, for one request: who asks (private_key_jwt)
  proof       a JWT signed with a throw-away key, for one request: htm and htu are its method and address (DPoP)
  token       bound to the proof's key, so that whoever steals it cannot use it; ath in a proof is the token's hash
  nonce       a word from the server, which shows that the proof was made just now"""


@dataclass(frozen=True)
class Call:
    """A call of the walk-through: what it shows, what is sent, and what must come of it."""

    title: str
    body: object
    status: int
    requests: tuple[int, int, int]
    """To the secret manager, HelseID and the API."""


@dataclass(frozen=True)
class Replacement:
    """The rotation of the key, in its place among the calls."""

    title: str


SCENES = (
    Call(
        "The first call: no token is held, HelseID wants a nonce, and {library} has yet to be loaded",
        None,
        200,
        (1, 3, 1),
    ),
    Call("The second call: the token is held", None, 200, (0, 0, 1)),
    Call(
        "A call for another organization: a token of its own; the nonce is known by now",
        {"organization": {"parent": "313745392"}},
        200,
        (1, 1, 1),
    ),
    Call(
        "A call that HelseID refuses: this organization has not let the client act for it",
        {"organization": {"parent": "974557746"}},
        502,
        (1, 1, 0),
    ),
    Replacement("The key is replaced: due, created, registered, tested, promoted; and the function is called all the while"),
    Call(
        "The next call that needs a token: signed for with the new key, though nothing was restarted",
        {"organization": {"parent": "999977774", "child": "999977775"}},
        200,
        (1, 1, 1),
    ),
)


def walk_through(host: Host) -> None:
    """Start the parties, play each scene and tell what happened."""
    with ExitStack() as running:
        stage = host.start(running)
        api = stage.environment["API_URL"].rpartition("/machine")[0]
        print(HEAD.format(intro=host.intro, helseid=stage.environment["HELSEID_ISSUER"], api=api))
        for number, each in enumerate(SCENES, start=1):
            print(f"\n{number}. {each.title.format(library=host.library)}\n", flush=True)
            if isinstance(each, Call):
                _make_call(each, stage)
            else:
                print(f"  {host.rotated_by}", flush=True)
                _replace_key(stage)
    print("\nAll six went as they should, and everything that was started has ended. The README says how to go on from here.")


def _make_call(each: Call, stage: Stage) -> None:
    print(f"  you → function            POST /{f' {json.dumps(each.body)}' if each.body else ''}")
    marks = stage.marks()
    status, answer = stage.call(each.body)
    # All tell of the call just after it was answered.
    stage.function.wait_for(lambda: any(line.get("invocation") == answer["invocation"] for line in stage.function.lines))
    log_line = next(line for line in stage.function.lines if line.get("invocation") == answer["invocation"])
    requests = tuple(log_line["requests"].values())
    stage.parties[-1].wait_for(lambda: len(stage.told_since(marks)) >= sum(requests))
    for event in stage.told_since(marks):
        print("\n".join(tell_exchange(event)))
    print()
    print("\n".join(tell_answer(status, answer, log_line)), flush=True)
    if (status, requests) != (each.status, each.requests):
        raise RuntimeError(f"the call should have been answered {each.status} after {each.requests} requests")


def _replace_key(stage: Stage) -> None:
    with calls_meanwhile(stage.call) as statuses:
        rotation = stage.rotate()
    for step in rotation.steps:
        print("\n".join(tell_step(step)))
    print()
    print("\n".join(tell_rotation(rotation, statuses)), flush=True)
    if rotation.log_line.get("rotation") != "rotated" or set(statuses) != {200}:
        raise RuntimeError("the key should have been replaced, and every call meanwhile answered 200")


def main() -> int:
    """Run the walk-through; 0 when it went well, 1 with the reason, 130 after ctrl-C."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop_asked.set())
    try:
        walk_through(HOSTS[sys.argv[1] if len(sys.argv) > 1 else "google"])
    except KeyboardInterrupt:
        print("\nStopped; nothing is left running.", file=sys.stderr)
        return 130
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        print(f"The walk-through could not be finished: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
