"""Traces of jobs, as a real collector on loopback receives them, from a farm that runs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from farm.doors import jobs as job_doors
from farm.doors import work
from farm.errors import FailureClass
from farm.tracing import Span, Tracing, trace_id
from tests.farm import Farm
from tests.running import RunningFarm, embedded_farm, eventually


@dataclass
class Collector:
    """Takes OTLP over HTTP, and keeps the spans with their resources' attributes."""

    port: int = 0
    spans: list[dict[str, Any]] = field(default_factory=list)

    def of(self, job_id: str) -> dict[str, list[dict[str, Any]]]:
        """A job's spans by name, each in the order of its time."""
        wanted = trace_id(job_id).to_bytes(16).hex()
        found: dict[str, list[dict[str, Any]]] = {}
        for span in sorted(self.spans, key=lambda span: span["start"]):
            if span["trace_id"] == wanted:
                found.setdefault(span["name"], []).append(span)
        return found


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/v1/traces"
            collector.spans += _spans(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        collector.port = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()


def _spans(request: ExportTraceServiceRequest) -> Iterator[dict[str, Any]]:
    for resource in request.resource_spans:
        service = {item.key: item.value.string_value for item in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                values = {item.key: item.value for item in span.attributes}
                yield {
                    "service": service["service.name"],
                    "trace_id": span.trace_id.hex(),
                    "span_id": span.span_id.hex(),
                    "parent": span.parent_span_id.hex(),
                    "name": span.name,
                    "start": span.start_time_unix_nano,
                    "end": span.end_time_unix_nano,
                    "error": span.status.message if span.status.code == 2 else None,
                    "attributes": {key: getattr(v, v.WhichOneof("value")) for key, v in values.items()},
                }


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as made:
        yield made


@pytest.fixture(scope="module")
def farm(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFarm]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.port}")
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
        with embedded_farm(tmp_path_factory.mktemp("traced"), fast=True, pools=("cpu-render",)) as made:
            yield made


@pytest.mark.slow
def test_a_jobs_life_is_one_trace(farm: RunningFarm, collector: Collector) -> None:
    job_id = farm.submit("probe", fail_class="crash", fail_times=1)
    job = farm.ended(job_id)
    eventually(lambda: "settle" in collector.of(job_id), "the trace has arrived")
    trace = collector.of(job_id)
    assert {name: len(spans) for name, spans in trace.items()} == {
        "probe": 1,
        "submit": 1,
        "wait": 2,
        "attempt": 2,
        "settle": 1,
    }
    (root,) = trace["probe"]
    assert (root["parent"], root["service"], root["error"]) == ("", "kinefarm", None)
    assert root["attributes"]["farm.job.id"] == job_id
    assert root["attributes"]["farm.account"] == "local"
    assert (root["start"] / 1e9, root["end"] / 1e9) == pytest.approx((job["created_at"], job["ended_at"]))
    rest = [span for name, spans in trace.items() if name != "probe" for span in spans]
    assert {span["parent"] for span in rest} == {root["span_id"]}
    assert all(root["start"] <= span["start"] <= span["end"] <= root["end"] for span in rest)
    assert len({span["span_id"] for span in rest}) == len(rest)
    first, second = trace["attempt"]
    assert first["error"].startswith("crash: ")
    assert (first["attributes"]["farm.outcome"], second["attributes"]["farm.outcome"]) == (
        "failed",
        "succeeded",
    )
    assert second["attributes"]["farm.worker"].startswith("cpu-render@")


@pytest.mark.slow
def test_one_that_failed_says_so(farm: RunningFarm, collector: Collector) -> None:
    job_id = farm.submit("probe", fail_class="invalid_input")
    farm.ended(job_id)
    eventually(lambda: "settle" in collector.of(job_id), "the trace has arrived")
    assert (
        collector.of(job_id)["probe"][0]["error"].startswith("invalid_input: ")
        or collector.of(job_id)["probe"][0]["error"]
    )


# --- without processes -------------------------------------------------------------------------------


@pytest.fixture
def held() -> Iterator[Farm]:
    """A farm whose clock is held."""
    made = Farm("sqlite:///:memory:")
    made.worker()
    yield made
    made.close()


def passes(farm: Farm, s: float) -> None:
    """Time passes, and the worker is heard of."""
    farm.clock.advance(s)
    work.seen(farm.hall, "w1")


def test_each_ended_job_is_told_once_however_it_ended(held: Farm) -> None:
    told: list[str] = []
    tracing = Tracing(held.hall, lambda spans: told.append(str(spans[0].attributes["farm.job.id"])))
    ada = held.caller()
    run = held.submit(ada)
    held.run_next()
    cancelled = held.submit(ada)
    job_doors.cancel(held.hall, None, cancelled)
    held.tick()
    waiting = held.submit(ada)
    assert tracing.look() == 0  # a tick of another moment may still be on its way
    passes(held, s=6)
    assert tracing.look() == 2
    assert told == [run, cancelled]
    passes(held, s=6)
    assert tracing.look() == 0
    held.run_next()
    passes(held, s=6)
    assert (tracing.look(), told[2:]) == (1, [waiting])


def test_what_ended_before_the_start_or_elsewhere_is_not_told(held: Farm) -> None:
    held.submit(held.caller())
    held.run_next()
    passes(held, s=60)
    told: list[Span] = []
    tracing = Tracing(held.hall, told.extend)
    assert tracing.look() == 0
    held.submit(held.caller())
    held.run_next()
    passes(held, s=60)
    tracing.skip()  # another scheduler led meanwhile
    assert (tracing.look(), told) == (0, [])


def test_the_stretches_of_a_retried_job_follow_each_other(held: Farm) -> None:
    told: list[Span] = []
    tracing = Tracing(held.hall, told.extend)
    held.submit(held.caller())
    passes(held, s=10)
    held.fail_next(FailureClass.CRASH, "it died")
    passes(held, s=20)
    held.run_next()
    passes(held, s=6)
    tracing.look()
    start = told[0].start
    assert [(span.name, span.start - start, span.end - start) for span in told] == [
        ("probe", 0, 30),
        ("submit", 0, 0),
        ("wait", 0, 10),
        ("attempt", 10, 10),
        ("wait", 10, 30),
        ("attempt", 30, 30),
        ("settle", 30, 30),
    ]
    assert [span.error for span in told if span.name == "attempt"] == ["crash: it died", None]
    assert len({span.span_id for span in told}) == len(told)
    assert {span.trace_id for span in told} == {told[0].trace_id}


def test_nobody_listening_costs_nothing(held: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    from farm.tracing import tracing

    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    before = threading.active_count()
    with tracing(held.hall):
        assert threading.active_count() == before


def test_a_missing_sdk_is_said_and_nothing_else(
    held: Farm, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from farm import tracing

    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(tracing, "find_spec", lambda _name: None)
    before = threading.active_count()
    with tracing.tracing(held.hall):
        assert threading.active_count() == before
    assert "kinefarm[otel]" in capsys.readouterr().out


@pytest.mark.slow
def test_a_collector_that_is_away_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    with embedded_farm(tmp_path, fast=True, pools=("cpu-render",)) as farm:
        assert farm.ended(farm.submit("probe"))["state"] == "completed"
        farm.roots[0].terminate()
        assert farm.roots[0].wait(60) == 0
