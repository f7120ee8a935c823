"""What an initialized process holds, and copies of it, as of a host that starts many instances from one snapshot."""

from __future__ import annotations

import gc
import random
import types
from typing import Any

from helseid_fn.http.nonces import Nonces
from helseid_fn.keys.signing_key import SigningKey
from helseid_fn.keys.stored import StoredKey
from helseid_fn.oauth.token_response import Token

# Shared by everything, and no state of the function's: what a class or a module holds is there without it.
_NOT_STATE = (type, types.ModuleType, types.CodeType)


def find_held(root: object) -> set[str]:
    """Return which of `token`, `key`, `nonce` and `seeded generator` can be reached from an object."""
    seen: set[int] = set()
    to_visit: list[Any] = [root]
    held: set[str] = set()
    while to_visit:
        each = to_visit.pop()
        if id(each) in seen or isinstance(each, _NOT_STATE):
            continue
        seen.add(id(each))
        held |= _name(each)
        to_visit += _referents(each)
    return held


def _name(each: object) -> set[str]:
    if isinstance(each, Token):
        return {"token"}
    if isinstance(each, SigningKey | StoredKey) or type(each).__module__.startswith("cryptography."):
        return {"key"}
    if isinstance(each, Nonces) and each._latest:  # what it has remembered
        return {"nonce"}
    if isinstance(each, random.Random) and not isinstance(each, random.SystemRandom):
        return {"seeded generator"}
    return set()


def _referents(each: object) -> list[Any]:
    """Return what an object holds; of a function its closure and defaults, and not its module's names."""
    if isinstance(each, types.FunctionType):
        cells = [cell.cell_contents for cell in each.__closure__ or () if cell != types.CellType()]
        return [*cells, each.__defaults__, each.__kwdefaults__]
    return gc.get_referents(each)


COPIES = '''
import ctypes, json, os, platform, signal, sys

CLONE_NEWUSER, CLONE_NEWPID = 0x10000000, 0x20000000
SYS_CLONE = {"x86_64": 56, "aarch64": 220}.get(platform.machine())
libc = ctypes.CDLL(None, use_errno=True)


class NoNamespaces(Exception):
    pass


def copy():
    """Return 0 in a copy of this process, and the copy's id in this one.

    Nothing in the copy can see that it is one: unlike after os.fork(), no hook has run, and its process id is the same,
    since each is the first of a namespace of its own.
    """
    if sys.platform != "linux" or SYS_CLONE is None:
        raise NoNamespaces(platform.platform())
    for flags in (CLONE_NEWPID, CLONE_NEWPID | CLONE_NEWUSER):  # the second for whom the first is not allowed
        process = libc.syscall(SYS_CLONE, flags | signal.SIGCHLD, 0, 0, 0, 0)
        if process >= 0:
            return process
    raise NoNamespaces(os.strerror(ctypes.get_errno()))


def wait(process):
    assert os.waitpid(process, 0)[1] == 0


if (first := copy()) != 0:
    wait(first)
    sys.exit()

from helseid_fn.keys.signing_key import generate_proof_key
from helseid_fn.oauth.dpop import new_jti
import main

if sys.argv[1] == "after a key was made":
    generate_proof_key()
for _ in range(2):
    if (process := copy()) != 0:
        wait(process)
        continue
    made = {"pid": os.getpid(), "key": generate_proof_key().thumbprint, "jti": new_jti()}
    os.write(1, json.dumps(made).encode() + b"\\n")
    os._exit(0)
os._exit(0)
'''
"""A program that imports `main` and is then copied twice; each copy prints what it makes."""
