"""Every fault point of the simulation and what happens there. A chance that is not here cannot be taken."""

from collections import Counter
from collections.abc import Iterator, Mapping

_AROUND = {"before_commit": "before its commit", "after_commit": "after its commit, before its answer"}
_PROCESSES = {
    "submit": "the API dies at a submit",
    "cancel": "the API dies at a cancel",
    "priority": "the API dies at a change of priority",
    "rows": "the API dies at rows of a batch",
    "steer": "the API dies at a pause, resume, limit, cancel or retry of a batch",
    "endpoint": "the API dies at a change of a webhook endpoint",
    "operate": "the API dies at draining or resuming a worker",
    "announce": "a worker dies at its announcement",
    "seen": "a worker dies saying that it lives",
    "claim": "a worker dies at a claim",
    "beat": "a worker dies at a beat",
    "accepted": "a worker dies noting what a provider has accepted",
    "dropped": "a worker dies noting that nothing came of it",
    "finish": "a worker dies at a finish",
    "lead": "a scheduler dies looking who leads",
    "tick": "a scheduler dies at a turn",
    "not_said": "a scheduler dies noting that the broker is away",
    "claim_events": "a deliverer dies at fanning out and claiming",
    "record_delivery": "a deliverer dies at recording an answer",
}
_CONNECTIONS = {
    "door": "a worker's connection breaks",
    "tick": "a scheduler's connection breaks",
    "claim_events": "a deliverer's connection breaks as it claims",
    "record_delivery": "a deliverer's connection breaks as it records",
}


def _around_commits(whose: Mapping[str, str], fault: str) -> dict[str, str]:
    return {
        f"{who}_{fault}_{at}": f"{what} {when}" for who, what in whose.items() for at, when in _AROUND.items()
    }


FAULTS: Mapping[str, str] = {
    **_around_commits(_PROCESSES, "crash"),
    **_around_commits(_CONNECTIONS, "break"),
    "broker_away": "the broker takes nothing",
    "broker_flushed": "the broker forgets everything",
    "message_lost": "a message is lost",
    "message_late": "a message comes up to 20 s late",
    "message_doubled": "a message comes twice",
    "ring_lost": "a ring of the scheduler's bell is lost",
    "crash_after_publish": "a scheduler dies after it has published",
    "leader_freezes_and_is_rolled_back": "a leader freezes within its transaction, which is ended",
    "leader_freezes_and_commits_late": "a leader freezes within its transaction, then goes on",
    "leader_freezes_before_it_publishes": "a leader freezes after its commit, and publishes late",
    "second_scheduler_takes_over": "the second scheduler takes the lead of one that is frozen or dead",
    "two_schedulers_lead": "a scheduler that does not lead has a turn all the same",
    "worker_dies": "a worker dies at work",
    "worker_freezes": "a worker freezes for less than its lease",
    "worker_freezes_past_its_lease": "a worker freezes for longer than its lease, then goes on",
    "worker_revived": "a dead worker comes back",
    "worker_drained": "a worker is drained, and later resumed",
    "clock_step": "the farm's clock is set by up to 8 s, either way",
    "task_fails": "a task fails, by class",
    "given_back": "a worker gives a task back unharmed",
    "job_cancelled": "a customer cancels",
    "two_deliverers_at_once": "both deliverers look at the same moment",
    "deliverer_freezes_before_it_sends": "a deliverer freezes with attempts it has claimed, then sends them",
    "deliverer_dies_after_it_sent": "a deliverer dies with an answer under way",
    "deliverer_freezes_past_its_lease": "a deliverer freezes past its lease with an answer under way",
    "webhook_slow": "a receiver takes 3 to 15 s",
    "webhook_fails": "a receiver answers with an error",
    "webhook_times_out": "a receiver does not answer",
    "webhook_refuses": "a receiver cannot be reached",
    "webhook_gone": "a receiver answers 410",
    "provider_away": "a provider cannot be reached for a while",
    "provider_fails": "a provider fails before it has accepted",
    "provider_busy": "a provider wants a pause",
    "provider_says_policy": "a provider refuses for good",
    "provider_knows_no_key": "a provider does not know our key",
    "provider_request_lost": "no answer, and nothing was bought",
    "provider_answer_lost": "no answer, though it was bought",
    "provider_fails_later": "a provider fails after it has accepted",
    "provider_never_finishes": "a provider accepts and does not finish",
    "provider_output_corrupt": "a provider delivers something useless",
    "own_engine_fails": "an engine of our own fails where providers failed",
}


def table(hits: Mapping[str, int]) -> Iterator[str]:
    """A line for each fault point, then one for each other thing that was counted."""
    for fault, what in FAULTS.items():
        yield f"{fault:36} {hits.get(fault, 0):9,}  {what}"
    for name in sorted(hits.keys() - FAULTS.keys()):
        yield f"  {name:34} {hits[name]:9,}"


def rare(hits: Counter[str], least: int) -> list[str]:
    """Fault points that were hit less often than that."""
    return [fault for fault in FAULTS if hits[fault] < least]
