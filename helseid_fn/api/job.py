"""The whole job, in order: a token, the call, once more if the API wants another token, the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from helseid_fn.api.client import Api
from helseid_fn.api.response import check_answer
from helseid_fn.context import Journal
from helseid_fn.deadline import Deadline
from helseid_fn.function.invocation import Invocation
from helseid_fn.oauth.token_response import Token
from helseid_fn.oauth.token_source import TokenSource


@dataclass(frozen=True, slots=True)
class Report:
    """What came of an invocation that succeeded."""

    api_status: int
    api_body: Any
    token: Token


@dataclass(frozen=True, slots=True)
class Job:
    """Signs in to HelseID and calls the API; one instance serves every invocation of a process."""

    tokens: TokenSource
    api: Api

    def run(self, invocation: Invocation, deadline: Deadline, journal: Journal) -> Report:
        """Do what the invocation asks, inside the deadline; what was done is noted in the journal.

        Raises `SigningKeyError`, `Unreachable`, `DeadlineExceeded`, `Refused` or `Garbled`.
        """
        token = self.tokens.get(invocation.organization, invocation.scopes, deadline, journal)
        answer = self.api.call(invocation.request, token, deadline, journal)
        if answer.rejects_token:
            # Revoked, or expired by the API's clock: one new token, one more call.
            token = self.tokens.renew(token, invocation.organization, invocation.scopes, deadline, journal)
            answer = self.api.call(invocation.request, token, deadline, journal)
        check_answer(answer)
        return Report(answer.status, answer.body, token)
