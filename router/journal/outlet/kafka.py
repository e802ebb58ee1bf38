"""Sends events to a topic of Kafka: in order, acknowledged by all replicas, none left out."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event as Flag
from typing import Any

import confluent_kafka
from confluent_kafka import KafkaError, KafkaException

from router.files.plain_files import plain_bytes
from router.journal.outlet.events import Event
from router.mendable import Mendable

_log = logging.getLogger(__name__)
_SCHEME = "kafka://"
_BROKER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_CONFIG_BYTES_AT_MOST = 65_536
_METADATA_SECONDS = 10
_PATIENCE_SECONDS = 60
"""Without a word from the brokers, after which it is given up."""
_GRACE_SECONDS = 3
"""For what is under way when it is told to stop."""
_STEP_SECONDS = 0.2
# So that one key is of one partition whoever writes, Java's clients
# too; and a bounded queue. The file may say otherwise.
_USUAL = {"partitioner": "murmur2_random", "queue.buffering.max.kbytes": 65_536}
# In order and at least once hang on these: retries without end or reordering, by librdkafka; how
# long is ours to say, for what it gives up would leave a gap.
_FIXED: dict[str, object] = {
    "enable.idempotence": True,
    "enable.gapless.guarantee": True,
    "acks": "all",
    "message.timeout.ms": 0,
    "allow.auto.create.topics": False,
    # What it has to say comes as errors; its own lines on standard error would say it twice.
    "log_level": 0,
}
_NOT_IN_FILE = {
    *_FIXED,
    "bootstrap.servers",
    "metadata.broker.list",
    "request.required.acks",
    "delivery.timeout.ms",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "retries",
    "message.send.max.retries",
    "transactional.id",
}
_SECRET = re.compile(r"password|secret|\.pem$|\.config$|token|credential")

_UNREACHABLE = {
    KafkaError._TRANSPORT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._RESOLVE,
    KafkaError._TIMED_OUT,
    KafkaError._MSG_TIMED_OUT,
}
_UNKNOWN_TOPIC = {
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_TOPIC,
    KafkaError._UNKNOWN_PARTITION,
    KafkaError.TOPIC_EXCEPTION,
}
_NOT_ALLOWED = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
}
_NOT_KNOWN = {KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED}


class NotShipped(Mendable):
    """Kafka did not take what was sent, or is not named; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where to: `kafka://BROKER[,BROKER...]/TOPIC`.

    Attributes:
        brokers: HOST or HOST:PORT, some of the cluster, separated by commas.
        topic: its name.
    """

    brokers: str
    topic: str

    @classmethod
    def parse(cls, text: str) -> Target:
        """Reads it.

        Raises:
            NotShipped: if it is none; what may hold a password is not repeated.
        """
        brokers, _, topic = text.removeprefix(_SCHEME).partition("/")
        if "@" in brokers:
            raise NotShipped(
                "to: holds a user or a password, and secrets come from files alone: leave it out "
                "and give --config FILE with sasl.username and sasl.password"
            )
        named = all(_BROKER.fullmatch(one) for one in brokers.split(","))
        if not (text.startswith(_SCHEME) and named and _TOPIC.fullmatch(topic)):
            raise NotShipped(
                "to: must be kafka://BROKER[,BROKER...]/TOPIC, each broker HOST or HOST:PORT, the "
                "topic 1 to 249 of a-z, A-Z, 0-9, '.', '_' and '-'"
            )
        return cls(brokers=brokers, topic=topic)


@dataclass(frozen=True, slots=True)
class Properties:
    """Properties of librdkafka, by name; secrets are among them, and never told."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, path: Path) -> Properties:
        """Reads a file of lines `key=value`; blank ones and those that begin with # are passed.

        Raises:
            NotShipped: if it cannot be read, or a line is none, or what ship itself sets.
        """
        try:
            text = plain_bytes(path, _CONFIG_BYTES_AT_MOST, links=True).decode()
        except ValueError as problem:
            # Not how it is no UTF-8: that would repeat its bytes.
            why = "is not UTF-8" if isinstance(problem, UnicodeDecodeError) else problem
            raise NotShipped(f"config: {path}: {why}") from None
        found: dict[str, str] = {}
        for number, line in enumerate(text.splitlines(), 1):
            key, equals, value = (part.strip() for part in line.partition("="))
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            # Never the line itself: it may be a password.
            if not equals or not key:
                raise NotShipped(f"config: {path}: line {number} is not key=value")
            if key in _NOT_IN_FILE:
                raise NotShipped(
                    f"config: {path}: line {number}: {key} is set by ship itself, so that nothing "
                    "is lost or out of order; leave it out"
                )
            found[key] = value
        return cls(found)

    def without_secrets(self, text: str) -> str:
        """Leaves secrets out of a text that a library made."""
        for key, value in self.values.items():
            if value and _SECRET.search(key):
                text = text.replace(value, "...")
        return text


class KafkaOutlet:
    """An `Outlet` that is a topic."""

    def __init__(self, target: Target, properties: Properties, stopping: Flag) -> None:
        """Connects, and looks whether the topic is there.

        Args:
            target: brokers and topic.
            properties: of librdkafka: credentials, TLS and what else it knows.
            stopping: gives up soon after it is set.

        Raises:
            NotShipped: if a property cannot be used, no broker answers, or there is no such topic.
        """
        self._target = target
        self._properties = properties
        self._stopping = stopping
        self._failed: NotShipped | None = None
        # What the connection's last trouble was: a call itself says only that it got no answer.
        self._trouble: KafkaError | None = None
        settings: dict[str, Any] = {
            **_USUAL,
            **properties.values,
            **_FIXED,
            "bootstrap.servers": target.brokers,
            "error_cb": self._note_trouble,
        }
        try:
            self._producer = confluent_kafka.Producer(settings)
        except KafkaException as problem:
            raise NotShipped(f"config: {self._property(problem.args[0])}") from None
        self._check_topic()

    def send(self, event: Event) -> bool:
        """Takes an event; see Outlet."""
        waited = _Waited()
        while True:
            self._check()
            try:
                self._producer.produce(
                    self._target.topic,
                    event.value,
                    event.key,
                    headers=list(event.headers),
                    on_delivery=self._delivered,
                )
            except BufferError:
                # Full: it empties as reports come.
                self._left(self._producer.poll, _STEP_SECONDS)
                if self._stopping.is_set():
                    return False
                self._be_patient(waited)
            except KafkaException as problem:
                self._left(self._producer.poll, 0)
                self._check()
                raise self._explained(problem.args[0], f"record {event.seq}") from None
            else:
                self._left(self._producer.poll, 0)
                return True

    def settle(self) -> bool:
        """Waits until all that was sent has arrived; see Outlet."""
        waited = _Waited()
        grace: float | None = None
        while self._left(self._producer.flush, _STEP_SECONDS):
            self._check()
            if self._stopping.is_set():
                grace = grace or time.monotonic() + _GRACE_SECONDS
                if time.monotonic() > grace:
                    return False
            self._be_patient(waited)
        self._check()
        return True

    def close(self) -> None:
        """Lets go of what was not delivered; closing twice does nothing."""
        self._producer.purge(blocking=False)
        self._left(self._producer.flush, _STEP_SECONDS)

    def _left(self, serve: Callable[[float], int], seconds: float) -> int:
        """Takes reports for so long, and gives how many are left."""
        try:
            return serve(seconds)
        except KafkaException as problem:
            # After what would leave a gap nothing more is taken. The report says what it was.
            if self._failed is None:
                with suppress(KafkaException):
                    self._producer.poll(_STEP_SECONDS)
            if self._failed is None:
                self._failed = self._explained(problem.args[0])
            return len(self._producer)

    def _check_topic(self) -> None:
        topic = self._target.topic
        try:
            known = self._producer.list_topics(topic, timeout=_METADATA_SECONDS)
        except KafkaException as problem:
            self._producer.poll(0)
            raise self._explained(problem.args[0]) from None
        if (error := known.topics[topic].error) is not None:
            raise self._explained(error)

    def _delivered(self, error: KafkaError | None, _: object) -> None:
        if error is not None and self._failed is None:
            self._failed = self._explained(error)

    def _note_trouble(self, error: KafkaError) -> None:
        # That all are down says less than why.
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            return
        before, self._trouble = self._trouble, error
        if before is None or before.code() != error.code():
            _log.warning("%s; tried again", self._explained(error))

    def _check(self) -> None:
        """Tells of what was not delivered.

        Raises:
            NotShipped: if there is such.
        """
        if self._failed is not None:
            raise self._failed

    def _be_patient(self, waited: _Waited) -> None:
        """Gives up where nothing was delivered for long.

        Raises:
            NotShipped: if so.
        """
        if waited.too_long(len(self._producer)):
            raise self._explained(KafkaError(KafkaError._TIMED_OUT))

    def _explained(self, error: KafkaError, what: str = "a record") -> NotShipped:
        code = error.code()
        if code in _UNREACHABLE and self._trouble is not None:
            error, code = self._trouble, self._trouble.code()
        told = self._properties.without_secrets(error.str())
        topic, brokers = self._target.topic, self._target.brokers
        if code in _UNREACHABLE:
            why = (
                f"no broker of {brokers} answers ({told}); see that --to names them, that they can "
                "be reached, and that --config says how (security.protocol)"
            )
        elif code in _UNKNOWN_TOPIC:
            why = f"topic {topic}: there is none on {brokers}; create it first, or correct --to"
        elif code in _NOT_ALLOWED:
            why = (
                f"topic {topic}: the user of --config may not write to it; allow DESCRIBE and "
                "WRITE on the topic"
            )
        elif code in _NOT_KNOWN:
            why = f"{brokers}: the credentials of --config are not accepted; correct them there"
        elif code == KafkaError._SSL:
            why = f"{brokers}: no TLS ({told}); see the ssl properties of --config"
        elif code == KafkaError.MSG_SIZE_TOO_LARGE:
            why = (
                f"topic {topic}: {what} is too large; raise max.message.bytes of the topic, and "
                "message.max.bytes in --config"
            )
        else:
            why = f"topic {topic}: {error.name()}: {told}"
        return NotShipped(f"kafka: {why}")

    def _property(self, error: KafkaError) -> str:
        told = error.str()
        named = re.search(r'property:? "([^"]+)"', told)
        # Without the value, whatever it is.
        if named and told.startswith("No such"):
            return f"{named[1]}: librdkafka has no such property"
        if named:
            return f"{named[1]}: has a value that librdkafka does not take"
        return self._properties.without_secrets(told)


class _Waited:
    """Since when nothing has moved."""

    def __init__(self) -> None:
        self._left: int | None = None
        self._since = time.monotonic()

    def too_long(self, left: int) -> bool:
        """Tells whether as many wait as did so long ago."""
        if left != self._left:
            self._left, self._since = left, time.monotonic()
        return time.monotonic() - self._since > _PATIENCE_SECONDS
