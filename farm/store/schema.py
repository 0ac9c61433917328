"""The tables, final in shape, on both engines.

Who writes what (facts/core.md explains why): submit only inserts; a worker updates only its attempt and
its own row in `workers`; the scheduler writes everything else, in batches of one transaction each.
Times are Unix seconds, money is milli-credits.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Big = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only as INTEGER
_Json = JSON().with_variant(JSONB, "postgresql")
# Where absent is told from `null`, so that it can be asked for and indexed.
_JsonOrNothing = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
_Seconds = Float(53)


def _number() -> Column[int]:
    return Column("id", _Big, primary_key=True, autoincrement=True)


accounts = Table(
    "accounts",
    metadata,
    _number(),
    Column("public_id", String(64), nullable=False, unique=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("tier", String(32), nullable=False),
    Column("balance_mc", BigInteger),  # null: not metered
    Column("max_running", Integer),  # null: the tier's
    Column("allowance_mc", BigInteger),  # a month; null: the tier's
    Column("allowance_month", String(7), nullable=False, default=""),  # the last one granted
    Column("spent_mc", BigInteger, nullable=False, default=0),  # charged in spent_month
    Column("spent_month", String(7), nullable=False, default=""),
    Column("created_at", _Seconds, nullable=False),
)

Index(
    "ix_accounts_allowance",
    accounts.c.allowance_month,
    sqlite_where=accounts.c.balance_mc.is_not(None),
    postgresql_where=accounts.c.balance_mc.is_not(None),
)

# A key's spent_mc counts only while it has a budget; `alerted` has a bit for each threshold told this month.
api_keys = Table(
    "api_keys",
    metadata,
    _number(),
    Column("account_id", _Big, ForeignKey("accounts.id"), nullable=False, index=True),
    Column("name", String(200), nullable=False, default=""),
    Column("prefix", String(64), nullable=False, unique=True),
    Column("mac", String(64), nullable=False),
    Column("sealed", Text, nullable=False),
    Column("is_operator", Boolean, nullable=False, default=False),
    Column("budget_mc", BigInteger),  # a month; null: none
    Column("spent_mc", BigInteger, nullable=False, default=0),  # held or charged in spent_month
    Column("spent_month", String(7), nullable=False, default=""),
    Column("alerted", SmallInteger, nullable=False, default=0),
    Column("created_at", _Seconds, nullable=False),
    Column("last_used_at", _Seconds),
    Column("revoked_at", _Seconds),
)

# `gated`: some of its jobs may wait for more than a slot, so every tick looks at it (schedulers/batches.py).
batches = Table(
    "batches",
    metadata,
    _number(),
    Column("public_id", String(64), nullable=False, unique=True),
    Column("account_id", _Big, ForeignKey("accounts.id"), nullable=False),
    Column("api_key_id", _Big, ForeignKey("api_keys.id")),
    Column("name", String(200), nullable=False, default=""),
    Column("kind", String(64)),  # of rows that name none
    Column("defaults", _Json, nullable=False, default=dict),
    Column("webhook_url", Text),
    Column("state", String(16), nullable=False),
    Column("paused", Boolean, nullable=False, default=False),
    Column("gated", Boolean, nullable=False, default=False),
    Column("tallied", Boolean, nullable=False, default=False, server_default="0"),  # counted in batch_tallies
    Column("max_running", Integer),
    Column("created_at", _Seconds, nullable=False),
    Column("closed_at", _Seconds),
    Column("ended_at", _Seconds),
    Index("ix_batches_account", "account_id", "id"),
)
Index(
    "ix_batches_active",
    batches.c.id,
    sqlite_where=text("ended_at IS NULL"),
    postgresql_where=text("ended_at IS NULL"),
)

# Changes of a batch's counts; their sum is how its rows stand (farm/doors/batch_tally.py).
batch_tallies = Table(
    "batch_tallies",
    metadata,
    _number(),
    Column("batch_id", _Big, ForeignKey("batches.id"), nullable=False, index=True),
    Column("rows", Integer, nullable=False),
    Column("completed", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("cancelled", Integer, nullable=False),
    Column("held_mc", BigInteger, nullable=False),
    Column("charged_mc", BigInteger, nullable=False),
    Column("started_at", _Seconds),
)

# Rows that were refused. `digest` tells a line sent again from another file's line of that number.
batch_rejects = Table(
    "batch_rejects",
    metadata,
    _number(),
    Column("batch_id", _Big, ForeignKey("batches.id"), nullable=False),
    Column("line", Integer, nullable=False),
    Column("digest", String(32), nullable=False),
    Column("custom_id", String(200)),
    Column("field", String(300)),
    Column("code", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    UniqueConstraint("batch_id", "line", "digest"),
    Index("ix_batch_rejects_custom", "batch_id", "custom_id"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("seq", _Big, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("account_id", _Big, ForeignKey("accounts.id"), nullable=False),
    Column("api_key_id", _Big, ForeignKey("api_keys.id")),
    Column("batch_id", _Big, ForeignKey("batches.id")),
    Column("custom_id", String(200)),  # the row's own name within its batch
    Column("retried", Boolean, nullable=False, default=False),  # a later job took its row's place
    Column("held", Boolean, nullable=False, default=False),  # none of its tasks may be ready yet
    Column("unmet", Integer, nullable=False, default=0),  # jobs it needs that have not completed
    Column("kind", String(64), nullable=False),
    Column("kind_version", Integer, nullable=False),
    Column("surface", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("priority", SmallInteger, nullable=False),
    Column("params", _Json, nullable=False),
    Column("result", _Json, nullable=False, default=dict),
    Column("warnings", _Json, nullable=False, default=list),
    Column("reference", String(200)),
    Column("project_id", String(64)),
    Column("webhook_url", Text),
    Column("auto_retry", Boolean, nullable=False, default=False, server_default="0"),  # a second round
    Column("max_running", Integer),  # tasks at once; null: as many as the account may
    Column("interactive", Boolean, nullable=False, default=False, server_default="0"),  # somebody waits
    Column("start_after", _Seconds),
    Column("deadline_at", _Seconds),
    Column("created_at", _Seconds, nullable=False),
    Column("started_at", _Seconds),
    Column("ended_at", _Seconds),
    Column("cancel_asked_at", _Seconds),
    Column("open_tasks", Integer, nullable=False),
    Column("held_mc", BigInteger, nullable=False, default=0),
    Column("charged_mc", BigInteger, nullable=False, default=0),
    Column("failure_class", String(32)),
    Column("error_code", String(64)),
    Column("error_message", Text),
    Index("ix_jobs_account", "account_id", "seq"),
    sqlite_autoincrement=True,
    postgresql_with={"fillfactor": 60},
)

Index(
    "ix_jobs_open",
    jobs.c.account_id,
    sqlite_where=text("ended_at IS NULL"),
    postgresql_where=text("ended_at IS NULL"),
)
Index(
    "ix_jobs_deadline",
    jobs.c.deadline_at,
    sqlite_where=text("deadline_at IS NOT NULL AND ended_at IS NULL"),
    postgresql_where=text("deadline_at IS NOT NULL AND ended_at IS NULL"),
)

# Indexes of some jobs only. `batch_open` serves whatever the scheduler asks of the ones that have not ended:
# is there any, how many are not held, which held one comes next.
for _name, _columns, _where, _unique in (
    ("ix_jobs_batch", ("batch_id", "seq"), "batch_id IS NOT NULL", False),
    (
        "ix_jobs_batch_open",
        ("batch_id", "held", "unmet", "priority", "seq"),
        "batch_id IS NOT NULL AND ended_at IS NULL",
        False,
    ),
    ("uq_jobs_batch_custom", ("batch_id", "custom_id"), "batch_id IS NOT NULL AND NOT retried", True),
    ("ix_jobs_project", ("project_id", "seq"), "project_id IS NOT NULL", False),
    ("ix_jobs_ended", ("ended_at", "seq"), "ended_at IS NOT NULL", False),
):
    Index(
        _name,
        *(jobs.c[_column] for _column in _columns),
        unique=_unique,
        sqlite_where=text(_where),
        postgresql_where=text(_where),
    )
# In the words of its index, as LIVE below.
CURRENT = text("NOT jobs.retried")

# What jobs of a batch need of each other. `checked` by the scheduler since it was written: only then does it
# see every need that ended meanwhile.
job_needs = Table(
    "job_needs",
    metadata,
    Column("job_seq", _Big, ForeignKey("jobs.seq"), primary_key=True),
    Column("needs_job_seq", _Big, ForeignKey("jobs.seq"), primary_key=True),
    Column("checked", Boolean, nullable=False, default=False),
    Index("ix_job_needs_needed", "needs_job_seq"),
)
Index(
    "ix_job_needs_unchecked",
    job_needs.c.job_seq,
    sqlite_where=text("NOT checked"),
    postgresql_where=text("NOT checked"),
)
UNCHECKED = text("NOT job_needs.checked")

# What the tasks of a lane have in common: all that decides which worker may take them (farm/doors/lanes.py).
sorts = Table(
    "sorts",
    metadata,
    _number(),
    Column("key", String(64), nullable=False, unique=True),
    Column("pool", String(32), nullable=False),
    Column("resource", String(16), nullable=False),
    Column("requires", _Json, nullable=False),
    Column("affinity", String(200)),
    Column("interactive", Boolean, nullable=False, default=False),
    Column("provider", String(64)),
)

# One lane per account and sort, so that what must wait for a busy worker blocks nothing else. An account's
# lanes of one (pool, resource) are siblings, one unit of fairness: the scheduler keeps their `busy`, `vtime`
# (virtual time) and `served_at` alike. `fresh`: not counted in yet, so that a sibling knows these better.
# Sort 0: from before there were sorts; its tasks may be of any.
lanes = Table(
    "lanes",
    metadata,
    _number(),
    Column("pool", String(32), nullable=False),
    Column("resource", String(16), nullable=False),
    Column("account_id", _Big, nullable=False),
    Column("sort_id", _Big, nullable=False, default=0, server_default="0"),
    Column("tier", String(32), nullable=False),
    Column("cap", Integer, nullable=False),
    Column("vtime", Float(53), nullable=False, default=0.0),
    Column("ready", Integer, nullable=False, default=0),
    Column("busy", Integer, nullable=False, default=0),
    Column("open", Boolean, nullable=False, default=False),
    Column("served_at", _Seconds, nullable=False, default=0.0),
    Column("fresh", Boolean, nullable=False, default=False, server_default="0"),
    UniqueConstraint("account_id", "pool", "resource", "sort_id"),
    postgresql_with={"fillfactor": 50},
)
for _order in ("vtime", "served_at"):
    Index(
        f"ix_lanes_sort_{_order}",
        lanes.c.sort_id,
        lanes.c.tier,
        lanes.c[_order],
        lanes.c.id,
        sqlite_where=text("open"),
        postgresql_where=text("open"),
    )
# The index's own words: `lanes.c.open` is spelled `open = 1` on SQLite, which then reads every lane.
OPEN = text("lanes.open")

# Virtual time of each tier within one (pool, resource), and of the lanes inside it. `floor` is the line's
# own, at which a tier joins that was idle; `typical_s` what its tasks are estimated at, lately.
tiers = Table(
    "tiers",
    metadata,
    Column("pool", String(32), primary_key=True),
    Column("resource", String(16), primary_key=True),
    Column("tier", String(32), primary_key=True),
    Column("vtime", Float(53), nullable=False, default=0.0),
    Column("lane_vtime", Float(53), nullable=False, default=0.0),
    Column("floor", Float(53), nullable=False, default=0.0, server_default="0"),
    Column("typical_s", Float(53), nullable=False, default=0.0, server_default="0"),
    postgresql_with={"fillfactor": 50},
)

tasks = Table(
    "tasks",
    metadata,
    _number(),
    Column("job_seq", _Big, ForeignKey("jobs.seq"), nullable=False),
    Column("lane_id", _Big, nullable=False),
    Column("batch_id", _Big),  # the job's
    Column("name", String(100), nullable=False),
    Column("step", String(64), nullable=False),
    Column("pool", String(32), nullable=False),
    Column("resource", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("priority", SmallInteger, nullable=False),
    Column("params", _Json, nullable=False),
    Column("inputs", _Json, nullable=False),
    Column("requires", _Json, nullable=False),
    Column("affinity", String(200)),
    Column("estimated_s", Float(53), nullable=False),
    Column("soft_s", Float(53), nullable=False),
    Column("hard_s", Float(53), nullable=False),
    Column("no_progress_s", Float(53)),  # null: as the configs say; 0: never
    Column("ready_at", _Seconds),  # when it first could have run
    Column("due_at", _Seconds),
    Column("unmet", Integer, nullable=False, default=0),
    Column("attempts", Integer, nullable=False, default=0),
    Column("result", _Json, nullable=False, default=dict),
    Column("failure_class", String(32)),
    Column("error_code", String(64)),
    Column("error_message", Text),
    Column("route", _JsonOrNothing),  # what it asks of providers (farm/providers.py); null: it needs none
    Column("choice", _JsonOrNothing),  # the provider it goes to next
    Column("parked_for", String(64)),  # the provider that it waits for, while it waits for one
    Column("created_at", _Seconds, nullable=False),
    Column("started_at", _Seconds),
    Column("ended_at", _Seconds),
    UniqueConstraint("job_seq", "name"),
    postgresql_with={"fillfactor": 70},
)
Index(
    "ix_tasks_ready",
    tasks.c.lane_id,
    tasks.c.priority,
    tasks.c.id,
    sqlite_where=tasks.c.state == "ready",
    postgresql_where=tasks.c.state == "ready",
)
Index(
    "ix_tasks_waiting",
    tasks.c.due_at,
    sqlite_where=tasks.c.state == "waiting",
    postgresql_where=tasks.c.state == "waiting",
)

Index(
    "ix_tasks_parked_for",
    tasks.c.parked_for,
    sqlite_where=text("state = 'waiting' AND parked_for IS NOT NULL"),
    postgresql_where=text("state = 'waiting' AND parked_for IS NOT NULL"),
)

# Tasks of a paused batch, put aside until it goes on: they have no due time.
PARKED = text("tasks.state = 'waiting' AND tasks.due_at IS NULL AND tasks.batch_id IS NOT NULL")
Index(
    "ix_tasks_parked",
    tasks.c.batch_id,
    tasks.c.id,
    sqlite_where=text("state = 'waiting' AND due_at IS NULL AND batch_id IS NOT NULL"),
    postgresql_where=text("state = 'waiting' AND due_at IS NULL AND batch_id IS NOT NULL"),
)

task_needs = Table(
    "task_needs",
    metadata,
    Column("task_id", _Big, ForeignKey("tasks.id"), primary_key=True),
    Column("needs_task_id", _Big, ForeignKey("tasks.id"), primary_key=True),
    Index("ix_task_needs_needed", "needs_task_id"),
)

attempts = Table(
    "attempts",
    metadata,
    _number(),
    Column("task_id", _Big, ForeignKey("tasks.id"), nullable=False, index=True),
    Column("job_seq", _Big, nullable=False),
    Column("lane_id", _Big, nullable=False),
    Column("pool", String(32), nullable=False),
    Column("resource", String(16), nullable=False),
    Column("queue", String(200), nullable=False),
    Column("order", SmallInteger, nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("claim", BigInteger),  # the very call that took it: only that one may be said again
    Column("estimated_s", Float(53), nullable=False),
    Column("brief", Boolean, nullable=False, default=False, server_default="0"),  # may hold a reserved slot
    Column("publishes", Integer, nullable=False, default=1),
    Column("worker", String(200)),
    Column("provider", String(64)),
    Column("model", String(100)),
    Column("provider_ref", Text),  # the provider's own id of what it has accepted
    Column("dropped", Boolean, nullable=False, default=False, server_default="0"),  # nothing comes of that
    Column("decision", _JsonOrNothing),  # how it came to this provider, and what followed
    Column("retry_after_s", _Seconds),
    Column("outcome", String(16)),
    Column("failure_class", String(32)),
    Column("error_code", String(64)),
    Column("error_message", Text),
    Column("cancel", Boolean, nullable=False, default=False),
    Column("progress", Float(53), nullable=False, default=0.0),
    Column("stage", String(100), nullable=False, default=""),
    Column("report", _Json),
    Column("published_at", _Seconds, nullable=False),
    Column("started_at", _Seconds),
    Column("beat_at", _Seconds),
    Column("lease_at", _Seconds, nullable=False),
    Column("ended_at", _Seconds),
    Column("swept", Boolean, nullable=False, default=False),  # what it stored in vain is deleted
    Index("ix_attempts_job", "job_seq"),
    postgresql_with={"fillfactor": 60},
)
Index(
    "ix_attempts_finished",
    attempts.c.id,
    sqlite_where=attempts.c.state == "finished",
    postgresql_where=attempts.c.state == "finished",
)
Index(
    "ix_attempts_live",
    attempts.c.lease_at,
    sqlite_where=attempts.c.state.in_(("published", "running")),
    postgresql_where=attempts.c.state.in_(("published", "running")),
)
# Attempts that may have stored something and won nothing: their blobs are nobody's.
_STRAY = "state = 'settled' AND started_at IS NOT NULL AND outcome <> 'succeeded' AND NOT swept"
Index(
    "ix_attempts_stray",
    attempts.c.ended_at,
    attempts.c.id,
    sqlite_where=text(_STRAY),
    postgresql_where=text(_STRAY),
)
STRAY = text(
    "attempts.state = 'settled' AND attempts.started_at IS NOT NULL AND attempts.outcome <> 'succeeded'"
    " AND NOT attempts.swept"
)
# The condition in the index's own words, values included: only so does SQLite use a partial index. Without it
# every query for live attempts reads the whole history.
LIVE = attempts.c.state.in_((literal_column("'published'"), literal_column("'running'")))

# The same for finished attempts and ready tasks: given a parameter, PostgreSQL would plan each query anew.
FINISHED = attempts.c.state == literal_column("'finished'")
READY = tasks.c.state == literal_column("'ready'")

# Insert-only notes to the scheduler: ready tasks that arrived in a lane, and wishes about jobs.
arrivals = Table(
    "arrivals",
    metadata,
    _number(),
    Column("lane_id", _Big, nullable=False),
    Column("added", Integer, nullable=False),
)

requests = Table(
    "requests",
    metadata,
    _number(),
    Column("job_seq", _Big, nullable=False),
    Column("action", String(16), nullable=False),
    Column("value", Integer),  # of "priority": the new one
    Column("created_at", _Seconds, nullable=False),
)

# `kept_out` (draining, quarantined, sleeping) outlives the restarts of a worker, which never writes it.
# `sleep` is its schedule, by which the sweep keeps it out. `failed_jobs` are the different jobs that failed
# on it in a row by what may be its own fault.
workers = Table(
    "workers",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("pool", String(32), nullable=False),
    Column("host", String(200), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("queue", String(200), nullable=False),
    Column("state", String(16), nullable=False),
    Column("labels", _Json, nullable=False),
    Column("slots", _Json, nullable=False),
    Column("kinds", _Json, nullable=False),
    Column("models", _Json, nullable=False),
    Column("software", String(32), nullable=False),
    Column("kept_out", String(16)),
    Column("kept_out_because", String(300)),
    Column("sleep", String(200)),
    Column("failed_jobs", _Json, nullable=False, default=list),
    Column("failing", SmallInteger, nullable=False, default=0),  # how many these are
    Column("started_at", _Seconds, nullable=False),
    Column("seen_at", _Seconds, nullable=False),
)

# Scheduler processes. `lead` is 1 or null, and unique: one of them leads, the others stand by.
schedulers = Table(
    "schedulers",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("host", String(200), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("software", String(32), nullable=False),
    Column("lead", SmallInteger, unique=True),
    Column("led_since", _Seconds),
    Column("beats", BigInteger, nullable=False),
    Column("started_at", _Seconds, nullable=False),
    Column("seen_at", _Seconds, nullable=False),
)

# What the schedulers think of each provider's model (schedulers/failover/): its circuit breakers, by phase,
# and its health.
breakers = Table(
    "breakers",
    metadata,
    Column("provider", String(64), primary_key=True),
    Column("model", String(100), primary_key=True),
    Column("phase", String(16), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("calls", _Json, nullable=False),
    Column("unreachable", Integer, nullable=False),
    Column("trips", Integer, nullable=False),
    Column("until", _Seconds, nullable=False),
    Column("probe_task", _Big),
    Column("because", String(32), nullable=False),
)

provider_health = Table(
    "provider_health",
    metadata,
    Column("provider", String(64), primary_key=True),
    Column("model", String(100), primary_key=True),
    Column("success", Float(53), nullable=False),
    Column("speed", Float(53), nullable=False),
    Column("at", _Seconds, nullable=False),
)

# How many second attempts at providers an account may still cost, as of `at`.
retry_budgets = Table(
    "retry_budgets",
    metadata,
    Column("account_id", _Big, ForeignKey("accounts.id"), primary_key=True),
    Column("saved", Float(53), nullable=False),
    Column("at", _Seconds, nullable=False),
)

media_projects = Table(
    "media_projects",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("account_id", _Big, ForeignKey("accounts.id"), nullable=False, index=True),
    Column("name", String(200), nullable=False, default=""),
    Column("directory_prefix", String(300), nullable=False, unique=True),
    Column("job_id", String(64)),
    Column("revision", Integer, nullable=False, default=0),
    Column("created_at", _Seconds, nullable=False),
    Column("expires_at", _Seconds, index=True),
)

assets = Table(
    "assets",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("account_id", _Big, ForeignKey("accounts.id"), nullable=False, index=True),
    Column("project_id", String(64), ForeignKey("media_projects.id"), index=True),
    Column("position", Integer, nullable=False, default=0),
    Column("file_name", String(300), nullable=False),
    Column("content_type", String(100), nullable=False),
    Column("media_kind", String(16), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("blob_key", String(500), nullable=False, index=True),
    Column("state", String(16), nullable=False),
    Column("sha256", String(64)),
    Column("meta", _Json, nullable=False, default=dict),
    Column("created_at", _Seconds, nullable=False),
    Column("expires_at", _Seconds, index=True),
)

# `references` counts who uses the file: 1 is its own job. `expired`: given up, its blob is being deleted.
# `intermediate`: for other tasks of its job only, shown to nobody.
artifacts = Table(
    "artifacts",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("account_id", _Big, ForeignKey("accounts.id"), nullable=False),
    Column("job_seq", _Big, ForeignKey("jobs.seq"), nullable=False, index=True),
    Column("task_id", _Big, nullable=False),
    Column("attempt_id", _Big, nullable=False),
    Column("name", String(100), nullable=False),
    Column("file_name", String(300), nullable=False),  # unique within the account
    Column("display_name", String(300), nullable=False),  # what a download is called
    Column("content_type", String(100), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", String(64)),
    Column("blob_key", String(500), nullable=False, index=True),
    Column("meta", _Json, nullable=False, default=dict),
    Column("references", Integer, nullable=False, default=1),
    Column("created_at", _Seconds, nullable=False),
    Column("expires_at", _Seconds, index=True),
    Column("expired", Boolean, nullable=False, default=False),
    Column("intermediate", Boolean, nullable=False, default=False, server_default="0"),
    UniqueConstraint("job_seq", "task_id", "name"),
    UniqueConstraint("account_id", "file_name"),
)

# Whoever takes a reference does so only where not `expired`: from then on the blob is being deleted.
segment_cache = Table(
    "segment_cache",
    metadata,
    Column("account_id", _Big, primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("blob_key", String(500), nullable=False, index=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("references", Integer, nullable=False, default=0),
    Column("created_at", _Seconds, nullable=False),
    Column("used_at", _Seconds, nullable=False, index=True),
    Column("expired", Boolean, nullable=False, default=False),
)

# `entry` is hold, settle, release, refund for a job; topup, allowance, … under a `reference` of their own.
# Entries outlive their job: when it is pruned they keep its id as the reference `job:…`.
ledger = Table(
    "ledger",
    metadata,
    _number(),
    Column("account_id", _Big, ForeignKey("accounts.id"), nullable=False),
    Column("job_seq", _Big, ForeignKey("jobs.seq")),
    Column("reference", String(200)),
    Column("entry", String(16), nullable=False),
    Column("amount_mc", BigInteger, nullable=False),
    Column("created_at", _Seconds, nullable=False),
    UniqueConstraint("job_seq", "entry"),
    Index("ix_ledger_account", "account_id", "id"),
)
Index(
    "uq_ledger_reference",
    ledger.c.reference,
    ledger.c.entry,
    unique=True,
    sqlite_where=text("reference IS NOT NULL"),
    postgresql_where=text("reference IS NOT NULL"),
)

# One call that must not be made twice. `made_id` is written in the transaction that makes the job, so that
# a call whose answer was lost finds it; `token` and `lease_at` say who makes the call now.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("api_key_id", _Big, ForeignKey("api_keys.id"), primary_key=True),
    Column("key", String(300), primary_key=True),
    Column("body_hash", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("lease_at", _Seconds, nullable=False),
    Column("made_id", String(64)),
    Column("status_code", Integer),
    Column("response", Text),
    Column("created_at", _Seconds, nullable=False),
    Column("expires_at", _Seconds, nullable=False, index=True),
)

# Written in the transaction of the change it tells; the webhook deliverer takes it from here.
outbox = Table(
    "outbox",
    metadata,
    _number(),
    Column("account_id", _Big, ForeignKey("accounts.id"), nullable=False),
    Column("job_seq", _Big, ForeignKey("jobs.seq")),  # null: an event of the account itself
    Column("event", String(64), nullable=False),
    Column("endpoint", Text, nullable=False),  # empty: whatever the account has registered for the event
    Column("api_key_id", _Big, ForeignKey("api_keys.id")),  # the key that signs; null: none
    Column("payload", _Json, nullable=False),
    Column("body", Text),  # what is sent, the same to all; written when the event is fanned out
    Column("state", String(16), nullable=False),
    Column("due_at", _Seconds, nullable=False),
    Column("created_at", _Seconds, nullable=False),
    UniqueConstraint("job_seq", "event", "endpoint"),
    sqlite_autoincrement=True,  # webhook-ids are made from it, so none may come twice
)
Index(
    "ix_outbox_due",
    outbox.c.due_at,
    sqlite_where=outbox.c.state == "pending",
    postgresql_where=outbox.c.state == "pending",
)

# Where an account wants to hear of its events. Secrets and headers lie sealed under FARM_SECRET_KEY.
webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    _number(),
    Column("public_id", String(64), nullable=False, unique=True),
    Column("account_id", _Big, ForeignKey("accounts.id"), nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("description", String(200), nullable=False, default=""),
    Column("events", _Json, nullable=False),  # empty: all
    Column("headers_sealed", Text, nullable=False),
    Column("secret_sealed", Text, nullable=False),
    Column("old_secret_sealed", Text),
    Column("old_secret_until", _Seconds),
    Column("state", String(16), nullable=False),
    Column("disabled_because", String(300)),
    Column("failing_since", _Seconds),
    Column("created_at", _Seconds, nullable=False),
)

# An account's own settings of a voice of the catalog. No job refers to it: a submit takes what it says then.
saved_voices = Table(
    "saved_voices",
    metadata,
    _number(),
    Column("public_id", String(64), nullable=False, unique=True),
    Column("account_id", _Big, ForeignKey("accounts.id"), nullable=False),
    Column("name", String(100), nullable=False),
    Column("voice_id", String(100), nullable=False),
    Column("locale", String(35), nullable=False),
    Column("speed", Float(53), nullable=False),
    Column("tags", _Json, nullable=False),
    Column("created_at", _Seconds, nullable=False),
    Column("updated_at", _Seconds, nullable=False),
    UniqueConstraint("account_id", "name"),
)

# What an account has made of a generation, a job of its own: no row is a generation left as it came. `token`
# opens its files to whoever has it, while it is shared or public. `deleted_at`: no list shows it any more.
generation_marks = Table(
    "generation_marks",
    metadata,
    Column("job_seq", _Big, ForeignKey("jobs.seq"), primary_key=True, autoincrement=False),
    Column("account_id", _Big, ForeignKey("accounts.id"), nullable=False),
    Column("is_favorite", Boolean, nullable=False, default=False),
    Column("is_shared", Boolean, nullable=False, default=False),
    Column("is_public", Boolean, nullable=False, default=False),
    Column("token", String(64), unique=True),
    Column("public_at", _Seconds),
    Column("deleted_at", _Seconds),
)
Index(
    "ix_generation_marks_public",
    generation_marks.c.public_at,
    generation_marks.c.job_seq,
    sqlite_where=text("is_public"),
    postgresql_where=text("is_public"),
)
# The index's own words, as OPEN above.
PUBLIC = text("generation_marks.is_public")

# One row per event and endpoint, or per event and the job's own webhook_url (endpoint_id null, `target` its
# word). `due_at` is when the next attempt may be made; while one is under way, when it counts as lost.
# `claims` fences: only the latest claim may record what came of it.
deliveries = Table(
    "deliveries",
    metadata,
    _number(),
    Column("public_id", String(64), nullable=False, unique=True),
    Column("account_id", _Big, ForeignKey("accounts.id"), nullable=False),
    Column("outbox_id", _Big, ForeignKey("outbox.id"), nullable=False),
    Column("endpoint_id", _Big, ForeignKey("webhook_endpoints.id")),
    Column("target", String(64), nullable=False),
    Column("webhook_id", String(64), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("tries", Integer, nullable=False, default=0),
    Column("claims", Integer, nullable=False, default=0),
    Column("due_at", _Seconds, nullable=False),
    Column("last_status", Integer),
    Column("last_error", Text),
    Column("response", Text),
    Column("created_at", _Seconds, nullable=False),
    Column("tried_at", _Seconds),
    Column("ended_at", _Seconds),
    UniqueConstraint("outbox_id", "target"),
    Index("ix_deliveries_account", "account_id", "id"),
    Index("ix_deliveries_subject", "subject"),
    postgresql_with={"fillfactor": 70},
)
Index(
    "ix_deliveries_due",
    deliveries.c.due_at,
    sqlite_where=deliveries.c.state == "pending",
    postgresql_where=deliveries.c.state == "pending",
)
Index(
    "ix_deliveries_pending",
    deliveries.c.endpoint_id,
    sqlite_where=deliveries.c.state == "pending",
    postgresql_where=deliveries.c.state == "pending",
)

# What operators did, and what the scheduler did to workers by itself. Insert-only.
audit = Table(
    "audit",
    metadata,
    _number(),
    Column("who", String(300), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(300), nullable=False, index=True),
    Column("detail", _Json, nullable=False),
    Column("at", _Seconds, nullable=False),
)
