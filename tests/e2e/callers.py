"""Callers that ask a server for advice without a pause, and remember each answer."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import grpc

from router.v1 import channel_router_pb2, channel_router_pb2_grpc
from tests.builders import a_case

REQUEST = channel_router_pb2.RecommendRequest(case=a_case())
PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One call: when it began and ended, monotonic seconds, and what came of it."""

    began: float
    ended: float
    decision_id: str | None
    version: str | None
    code: grpc.StatusCode
    told: str = ""


class Callers:
    """Threads that call until they are stopped; each has one call in flight."""

    def __init__(
        self,
        listen: str,
        count: int,
        options: Sequence[tuple[str, object]] = (),
        *,
        patient: bool = False,
        patience: float = PATIENCE_SECONDS,
        request: channel_router_pb2.RecommendRequest = REQUEST,
    ) -> None:
        """Begins to call.

        Args:
            listen: where.
            count: of threads.
            options: of the channel they share.
            patient: whether they wait for a connection instead of failing for want of one.
            patience: seconds that they wait for an answer.
            request: what each asks.
        """
        self._channel = grpc.insecure_channel(listen, options)
        self._patient = patient
        self._patience = patience
        self._request = request
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self.answers: list[Answer] = []
        self._threads = [threading.Thread(target=self._call) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def wait(
        self, wanted: Callable[[Answer], bool], count: int = 1, *, seconds: float = 30
    ) -> Answer:
        """Waits for `count` more answers that are wanted; gives the last."""
        # Only what comes from now on counts: earlier answers may be of another time.
        seen = len(self.answers)
        with self._changed:
            deadline = time.monotonic() + seconds
            while count:
                while seen == len(self.answers):
                    if not self._changed.wait(deadline - time.monotonic()):
                        raise AssertionError(
                            f"{count} more answers did not come within {seconds} s"
                        )
                count -= wanted(self.answers[seen])
                seen += 1
            return self.answers[seen - 1]

    def stop(self) -> list[Answer]:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._channel.close()
        return self.answers

    def _call(self) -> None:
        router = channel_router_pb2_grpc.ChannelRouterStub(self._channel)
        while not self._stop.is_set():
            began, code = time.monotonic(), grpc.StatusCode.OK
            decision_id, version, told = None, None, ""
            try:
                answer = router.Recommend(
                    self._request, timeout=self._patience, wait_for_ready=self._patient
                ).recommendation
                decision_id, version = answer.decision_id, answer.model_version
            except grpc.RpcError as error:
                code, told = error.code(), error.details() or ""
            with self._changed:
                self.answers.append(
                    Answer(
                        began=began,
                        ended=time.monotonic(),
                        decision_id=decision_id,
                        version=version,
                        code=code,
                        told=told,
                    )
                )
                self._changed.notify_all()


def answered(answer: Answer) -> bool:
    return answer.code is grpc.StatusCode.OK


def refused(answer: Answer) -> bool:
    return answer.code is grpc.StatusCode.UNAVAILABLE
