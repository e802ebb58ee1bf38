"""CaseloadPlanner: a stream of an office's open cases in, one plan and each case's mix out.

A plan with cases missing is no plan: one bad case refuses it whole, and problems are named by case,
as many as fit an error. A new RPC joins here as a method by its name.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence

import uuid_utils

from router.advice.disclosure import are_unshown
from router.advice.recommender import Recommender
from router.decision.schema import Rows
from router.journal.record import Context, Record
from router.planning.plan import MINUTES_PER_HOUR, Plan, plan_caseload
from router.planning.plan_figures import plan_figures
from router.serving.callers.caller import the_caller
from router.serving.caseload.cases import Caseload, Room
from router.serving.caseload.messages import planned_cases, summary
from router.serving.durable import DurableJournal
from router.serving.live import Live
from router.serving.status import refuse
from router.v1 import caseload_pb2
from router.v1.caseload_pb2_grpc import CaseloadPlannerServicer

KIND = "plan"
# Tells a reader of the journal what the payload is: one JSON object, what `plan_figures` names and
# office_ref, model_version, model_sha256. No case is in it.
_CONTEXT = Context(document='{"kind":"plan","payload":"json"}')


class CaseloadPlannerService(CaseloadPlannerServicer):
    """Plans caseloads, one at a time so that recommendations keep their share of the machine."""

    def __init__(self, live: Live, journal: DurableJournal) -> None:
        self._live = live
        self._journal = journal
        self._planning = asyncio.Semaphore(1)
        self._room = Room()

    async def PlanCaseload(
        self,
        request_iterator: AsyncIterator[caseload_pb2.PlanCaseloadRequest],
        context: object,
    ) -> AsyncIterator[caseload_pb2.PlanCaseloadResponse]:
        """Answers with the plan once it is on record, then with the cases."""
        caseload = Caseload(the_caller(), self._room)
        try:
            async for answer in self._planned(caseload, request_iterator):
                yield answer
        finally:
            caseload.release()

    async def _planned(
        self,
        caseload: Caseload,
        request_iterator: AsyncIterator[caseload_pb2.PlanCaseloadRequest],
    ) -> AsyncIterator[caseload_pb2.PlanCaseloadResponse]:
        await _read(caseload, request_iterator)
        header, rows = caseload.finish()
        # Taken only now: a plan is by what is in force when it is made.
        snapshot = self._live.snapshot
        recommender = snapshot.recommender(header.office_ref)
        budget = _minutes(header, recommender)
        async with self._planning:
            plan = await asyncio.to_thread(_plan, recommender, rows, caseload.refs, budget)
            # On the thread too: a plan works its figures out when they are asked for.
            figures = await asyncio.to_thread(plan_figures, plan)

        identity = uuid_utils.uuid7()
        model = recommender.model.info
        own = {
            "office_ref": header.office_ref,
            "model_version": model.version,
            "model_sha256": model.sha256,
        }

        payload = json.dumps(figures | own, sort_keys=True, separators=(",", ":")).encode()
        await self._journal.append(
            [
                Record(
                    identity.bytes,
                    KIND,
                    _CONTEXT,
                    payload,
                    time.time_ns() // 1000,
                    caller=the_caller().name,
                )
            ]
        )

        unknown = snapshot.is_unknown(header.office_ref)
        if unknown:
            snapshot.national.counts.count_unknown_plan()
        now = {
            "plan_id": str(identity),
            "office_unknown": unknown,
            "synthetic_model": model.synthetic,
        }
        told = summary(figures | own | now)
        yield caseload_pb2.PlanCaseloadResponse(plan=told)
        for cases in planned_cases(plan, caseload.refs, caseload.top_coded):
            yield caseload_pb2.PlanCaseloadResponse(cases=cases)


async def _read(
    caseload: Caseload, requests: AsyncIterator[caseload_pb2.PlanCaseloadRequest]
) -> None:
    while True:
        with caseload.waits():
            request = await anext(requests, None)
        if request is None:
            return
        match request.WhichOneof("part"):
            case "header":
                caseload.begin(request.header)
            case "cases":
                await caseload.add(request.cases)
            case _:
                refuse("part", "is neither a header nor cases")


def _plan(recommender: Recommender, rows: Rows, refs: Sequence[str], budget: float) -> Plan:
    """Plans, without telling of a case what the service would withhold of it."""
    unshown = are_unshown(recommender.draws, recommender.policy.disclosure, refs)
    return plan_caseload(recommender.decider, rows, budget, unshown)


def _minutes(header: caseload_pb2.PlanHeader, recommender: Recommender) -> float:
    """Gives the minutes to spend over the mixes' weeks."""
    if header.HasField("hours"):
        return header.hours * MINUTES_PER_HOUR
    decider = recommender.decider
    if decider.policy.minutes_per_week is None:
        refuse("header.hours", "must be given: the policy in force sets no minutes a week")
    return decider.policy.minutes_per_week * decider.catalogue.mixes[0].weeks
