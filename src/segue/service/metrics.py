"""The service's metrics, in Prometheus format."""

from __future__ import annotations

import os

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
    multiprocess,
)

from segue.service.serving import Served

_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
# If this variable names a folder, prometheus_client keeps the figures of all processes there.
SHARED = "PROMETHEUS_MULTIPROC_DIR"


class Metrics:
    """The figures of one process, or of all workers together if they share a folder.

    Attributes
    ----------
    in_flight
        Requests that hold a slot.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        labels, registry = ("route", "status"), self._registry
        self._requests = Counter("segue_requests", "Requests.", labels, registry=registry)
        self._seconds = Histogram(
            "segue_request_seconds", "From the first byte to the last.", ("route",),
            buckets=_BUCKETS, registry=registry,
        )  # fmt: skip
        self.in_flight = Gauge(
            "segue_requests_in_flight", "Requests being processed or waiting.", registry=registry,
            multiprocess_mode="livesum",
        )  # fmt: skip
        self._bundle = Gauge(
            "segue_bundle_info", "1 for the bundle being served, by its fingerprint.",
            ("fingerprint",), registry=registry, multiprocess_mode="livemax",
        )  # fmt: skip
        self._failed = Gauge(
            "segue_bundle_failed", "1 if the bundle in the folder could not be loaded.",
            registry=registry, multiprocess_mode="livemax",
        )  # fmt: skip
        self._served: str | None = None
        if SHARED not in os.environ:
            ProcessCollector(registry=registry)

    def observe(self, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(route, status).inc()
        self._seconds.labels(route).observe(seconds)

    def refuse(self) -> None:
        """Count one request refused without being read."""
        self._requests.labels("unread", 503).inc()

    def serve(self, served: Served | None, failure: str | None) -> None:
        """Record which bundle is served."""
        fingerprint = None if served is None else served.fingerprint
        if fingerprint != self._served:
            if self._served is not None:
                self._bundle.labels(self._served).set(0)
            if fingerprint is not None:
                self._bundle.labels(fingerprint).set(1)
            self._served = fingerprint
        self._failed.set(failure is not None)

    def text(self) -> bytes:
        """All figures in Prometheus format."""
        registry = self._registry
        if SHARED in os.environ:
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
