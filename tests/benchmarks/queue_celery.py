"""Celery alone, as the farm sets it up: the same broker, the same slots, nothing durable."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from celery import Celery
from kombu.entity import Exchange, Queue

from tests.benchmarks.queue_rig import (
    JOBS,
    SLOTS,
    WARM_UP,
    environment,
    process,
    until,
    until_consuming,
    valkey,
)

_QUEUE = "bench"
_LINE = "{:.6f}\n"


@dataclass(frozen=True, slots=True)
class Setting:
    """`acked` is Celery's own early acknowledgement; else the queue is no_ack, as the farm's are."""

    acked: bool
    events: bool
    pool: str = "threads"

    @property
    def name(self) -> str:
        words = [f"Celery {self.pool}", "acked" if self.acked else "no_ack"]
        return ", ".join(words + (["events"] if self.events else []))


def celery_alone(url: str, setting: Setting) -> Celery:
    """The farm's own settings (farm/broker/app.py), but for what the setting says."""
    app = Celery("bench", broker=url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        result_backend=None,
        task_ignore_result=True,
        task_acks_late=False,
        task_publish_retry=False,
        task_send_sent_event=setting.events,
        worker_send_task_events=setting.events,
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        worker_redirect_stdouts=False,
        broker_connection_retry_on_startup=True,
        task_default_queue=_QUEUE,
        task_queues=[_queue(no_ack=not setting.acked)],
        broker_transport_options={
            "queue_order_strategy": "priority",
            "priority_steps": list(range(10)),
            "socket_keepalive": True,
            "socket_timeout": 30,
            "health_check_interval": 25,
            "global_keyprefix": "farm:",
        },
    )
    return app


def _queue(*, no_ack: bool) -> Queue:
    exchange = Exchange(_QUEUE)  # type: ignore[no-untyped-call]  # kombu is partly typed
    return Queue(_QUEUE, exchange, routing_key=_QUEUE, no_ack=no_ack)  # type: ignore[no-untyped-call]  # the same


def throughput(folder: Path, setting: Setting) -> float:
    """No-op jobs a second, from the first message said to the last job done."""
    done = folder / "done"
    with valkey(folder) as server:
        words = ("tests.benchmarks.queue_celery", server.url, str(done))
        flags = (str(int(setting.acked)), str(int(setting.events)), setting.pool)
        with process(environment(), folder / "worker.log", *words, *flags):
            until_consuming(server.url)
            app = celery_alone(server.url, setting)
            _run(app, done, WARM_UP)
            return _run(app, done, JOBS)


def _run(app: Celery, done: Path, count: int) -> float:
    done.unlink(missing_ok=True)
    size = count * len(_LINE.format(time.time()))
    began = time.time()
    with app.producer_or_acquire() as producer:
        for number in range(count):
            app.send_task("noop", args=(number, number), queue=_QUEUE, producer=producer)
    until(lambda: done.exists() and done.stat().st_size >= size, f"{count} jobs are done")
    return count / (max(map(float, done.read_text().split())) - began)


def _work(url: str, done: str, acked: str, events: str, pool: str) -> None:
    """The worker. Each job notes when it ran, in one small write."""
    app = celery_alone(url, Setting(bool(int(acked)), bool(int(events)), pool))

    def noop(_attempt: int, _token: int) -> None:
        handle = os.open(done, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        os.write(handle, _LINE.format(time.time()).encode())
        os.close(handle)

    app.task(noop, name="noop", ignore_result=True)
    app.worker_main(
        [
            *("worker", "--pool", pool, "--concurrency", str(SLOTS), "--loglevel", "ERROR"),
            *("--without-gossip", "--without-mingle"),
        ]
    )


if __name__ == "__main__":
    import sys

    _work(*sys.argv[1:])
