"""What a call asks of its cases, read alike for a lone case, a batch and a stream."""

from __future__ import annotations

from hashlib import sha256

from router.cases.features import NOT_SHIELDED, SHIELDED
from router.cases.message import encode
from router.cases.problems import FieldProblem
from router.journal.answer import RequestId
from router.serving.callers.caller import the_caller
from router.serving.fields import Fields
from router.serving.live import OfficeRouter, Snapshot
from router.serving.messages import named_from
from router.serving.requests import View, is_full, language_of, reader_of, texts_of, told_in
from router.serving.routing.pipeline import Asked
from router.serving.status import InvalidRequest
from router.texts import Texts
from router.v1 import case_pb2, channel_router_pb2, recommendation_pb2

_Request = (
    channel_router_pb2.RecommendRequest
    | channel_router_pb2.RecommendBatchRequest
    | channel_router_pb2.RecommendStreamRequest
)


class CaseReader:
    """Reads the cases of one request, under the policies of one moment."""

    def __init__(self, snapshot: Snapshot, request: _Request) -> None:
        """Reads what the request asks beside its cases.

        Raises:
            InvalidRequest: if language, view or reader are not the contract's.
        """
        self._snapshot = snapshot
        self._caller = the_caller()
        self._language = request.language
        self._asked = b"%d %d %d " % (request.view, request.language, request.reader)
        self._offices: dict[str, tuple[OfficeRouter, View]] = {}
        try:
            self.full = is_full(request.view)
            self._reader = reader_of(request.reader)
            language_of(request.language, "")
        except InvalidRequest as refused:
            refused.texts = self.texts
            raise

    @property
    def texts(self) -> Texts:
        """The texts in which a refusal is told to people."""
        national = self._snapshot.national
        return texts_of(self._language, national.language, national.writer.texts)

    def read(
        self,
        case: case_pb2.Case,
        request_id: str,
        answer: recommendation_pb2.Recommendation,
        index: int | None = None,
    ) -> Asked:
        """Reads a case.

        Args:
            case: as sent.
            request_id: as sent, "" for none.
            answer: the message to fill in.
            index: its number among several, if it is one of them.

        Raises:
            InvalidRequest: if it cannot be answered; fields are named from the request's root.
            NotPermitted: if its office is not the caller's.
        """
        problems: list[FieldProblem] = []
        top_coded: list[str] = []
        row = encode(case, problems, index or 0, top_coded)
        if problems:
            name = "case" if index is None else f"cases[{index}]"
            refused = named_from(name, problems, self.texts)
            raise refused

        shielded = row[SHIELDED] != NOT_SHIELDED
        # A shielded case need not tell whose it is: nothing is told of it, or kept, either way.
        if case.office_ref or not shielded:
            self._caller.check_office(case.office_ref)
        router, view = self._office(case.office_ref)
        if shielded:
            # Of a shielded case nothing but the fact is kept, and an office's policy names the
            # office. Its language is that of the words alone.
            router = self._snapshot.national
        if top_coded:
            view = view._replace(top_coded=top_coded)
        repeatable = self._request_id(request_id, case, row, index) if request_id else None
        return Asked(
            router,
            row,
            case.case_ref,
            case.office_ref,
            view,
            answer,
            repeatable,
            self._caller.name,
        )

    def _office(self, office_ref: str) -> tuple[OfficeRouter, View]:
        # A batch names few offices many times.
        found = self._offices.get(office_ref)
        if found is None:
            router = self._snapshot.router(office_ref)
            language = language_of(self._language, router.language)
            view = View(language, self.full, self._reader, self._snapshot.is_unknown(office_ref))
            found = self._offices[office_ref] = router, view
        return found

    def _request_id(
        self, text: str, case: case_pb2.Case, row: list[int], index: int | None
    ) -> RequestId:
        fields = Fields()
        name = "request_id" if index is None else f"request_ids[{index}]"
        identity = fields.request_id(name, text)
        with told_in(self.texts):
            fields.finish()
        # Of a shielded case nothing is kept, not even a digest.
        shielded = row[SHIELDED] != NOT_SHIELDED
        content = b"" if shielded else case.SerializeToString(deterministic=True)
        return RequestId.of(identity, sha256(self._asked + content).digest())
