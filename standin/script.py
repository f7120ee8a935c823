"""The planned faults of a party, and the planned changes to its successful responses."""

import threading
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

F = TypeVar("F")


@dataclass
class _Planned(Generic[F]):
    fault: F
    after: int
    times: float


@dataclass
class _Override:
    members: Mapping[str, Any]
    without: Collection[str]
    times: float


class Script(Generic[F]):
    """Faults and changes by kind of request, taken in the order of planning."""

    def __init__(self) -> None:
        """Start with nothing planned."""
        self._lock = threading.Lock()
        self._faults: dict[str, list[_Planned[F]]] = defaultdict(list)
        self._overrides: dict[str, list[_Override]] = defaultdict(list)

    def plan(self, kind: str, fault: F, *, times: float, after: int) -> None:
        """Let `after` requests of this kind pass, then fail the next `times`."""
        with self._lock:
            self._faults[kind].append(_Planned(fault, after, times))

    def take(self, kind: str) -> F | None:
        """Return the fault for the request that has just arrived, if there is one."""
        with self._lock:
            planned = self._faults[kind]
            if not planned:
                return None
            if planned[0].after > 0:
                planned[0].after -= 1
                return None
            planned[0].times -= 1
            return planned[0].fault if planned[0].times > 0 else planned.pop(0).fault

    def change(self, kind: str, members: Mapping[str, Any], without: Collection[str], times: float) -> None:
        """Change members in the next `times` successful responses of this kind."""
        with self._lock:
            self._overrides[kind].append(_Override(members, without, times))

    def apply(self, kind: str, members: dict[str, Any]) -> dict[str, Any]:
        """Apply the next change, if there is one."""
        with self._lock:
            planned = self._overrides[kind]
            if not planned:
                return members
            due = planned[0]
            due.times -= 1
            if due.times <= 0:
                planned.pop(0)
        return {name: value for name, value in {**members, **due.members}.items() if name not in due.without}

    def clear(self) -> None:
        """Remove everything planned."""
        with self._lock:
            self._faults.clear()
            self._overrides.clear()
