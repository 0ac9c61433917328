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
    bindparam,
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
    Column("created_at", _Seconds, nullable=False),
)

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
    Column("budget_mc", BigInteger),
    Column("created_at", _Seconds, nullable=False),
    Column("last_used_at", _Seconds),
    Column("revoked_at", _Seconds),
)

batches = Table(
    "batches",
    metadata,
    _number(),
    Column("public_id", String(64), nullable=False, unique=True),
    Column("account_id", _Big, ForeignKey("accounts.id"), nullable=False, index=True),
    Column("name", String(200), nullable=False, default=""),
    Column("state", String(16), nullable=False),
    Column("total", Integer, nullable=False, default=0),
    Column("max_running", Integer),
    Column("created_at", _Seconds, nullable=False),
    Column("ended_at", _Seconds),
)

jobs = Table(
    "jobs",
    metadata,
    Column("seq", _Big, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("account_id", _Big, ForeignKey("accounts.id"), nullable=False),
    Column("api_key_id", _Big, ForeignKey("api_keys.id")),
    Column("batch_id", _Big, ForeignKey("batches.id")),
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
    Column("max_running", Integer),
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
    Index("ix_jobs_batch", "batch_id", "seq"),
    Index("ix_jobs_project", "project_id", "seq"),
    sqlite_autoincrement=True,
)

Index(
    "ix_jobs_deadline",
    jobs.c.deadline_at,
    sqlite_where=text("deadline_at IS NOT NULL AND ended_at IS NULL"),
    postgresql_where=text("deadline_at IS NOT NULL AND ended_at IS NULL"),
)

# One lane per (pool, resource, account): the unit of fairness. `vtime` is its virtual time.
lanes = Table(
    "lanes",
    metadata,
    _number(),
    Column("pool", String(32), nullable=False),
    Column("resource", String(16), nullable=False),
    Column("account_id", _Big, nullable=False),
    Column("tier", String(32), nullable=False),
    Column("cap", Integer, nullable=False),
    Column("vtime", Float(53), nullable=False, default=0.0),
    Column("ready", Integer, nullable=False, default=0),
    Column("busy", Integer, nullable=False, default=0),
    Column("open", Boolean, nullable=False, default=False),
    Column("served_at", _Seconds, nullable=False, default=0.0),
    UniqueConstraint("account_id", "pool", "resource"),
    postgresql_with={"fillfactor": 50},
)
for _order in ("vtime", "served_at"):
    Index(
        f"ix_lanes_open_{_order}",
        lanes.c.pool,
        lanes.c.resource,
        lanes.c.tier,
        lanes.c[_order],
        lanes.c.id,
        sqlite_where=text("open"),
        postgresql_where=text("open"),
    )

# Virtual time of each tier within one (pool, resource), and of the lanes inside it.
tiers = Table(
    "tiers",
    metadata,
    Column("pool", String(32), primary_key=True),
    Column("resource", String(16), primary_key=True),
    Column("tier", String(32), primary_key=True),
    Column("vtime", Float(53), nullable=False, default=0.0),
    Column("lane_vtime", Float(53), nullable=False, default=0.0),
    postgresql_with={"fillfactor": 50},
)

tasks = Table(
    "tasks",
    metadata,
    _number(),
    Column("job_seq", _Big, ForeignKey("jobs.seq"), nullable=False, index=True),
    Column("lane_id", _Big, nullable=False),
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
    Column("due_at", _Seconds),
    Column("unmet", Integer, nullable=False, default=0),
    Column("attempts", Integer, nullable=False, default=0),
    Column("result", _Json, nullable=False, default=dict),
    Column("failure_class", String(32)),
    Column("error_code", String(64)),
    Column("error_message", Text),
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
    Column("estimated_s", Float(53), nullable=False),
    Column("publishes", Integer, nullable=False, default=1),
    Column("worker", String(200)),
    Column("provider", String(64)),
    Column("provider_ref", Text),
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
# The condition in the index's own words, values included: only so does SQLite use a partial index. Without it
# every query for live attempts reads the whole history.
LIVE = attempts.c.state.in_(
    bindparam("live_states", ("published", "running"), expanding=True, literal_execute=True)
)

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
    Column("created_at", _Seconds, nullable=False),
)

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
    Column("started_at", _Seconds, nullable=False),
    Column("seen_at", _Seconds, nullable=False),
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
    Column("expires_at", _Seconds),
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
    Column("blob_key", String(500), nullable=False),
    Column("state", String(16), nullable=False),
    Column("sha256", String(64)),
    Column("meta", _Json, nullable=False, default=dict),
    Column("created_at", _Seconds, nullable=False),
    Column("expires_at", _Seconds),
)

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
    Column("blob_key", String(500), nullable=False),
    Column("meta", _Json, nullable=False, default=dict),
    Column("references", Integer, nullable=False, default=1),
    Column("created_at", _Seconds, nullable=False),
    Column("expires_at", _Seconds),
    UniqueConstraint("job_seq", "task_id", "name"),
    UniqueConstraint("account_id", "file_name"),
)

segment_cache = Table(
    "segment_cache",
    metadata,
    Column("account_id", _Big, primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("blob_key", String(500), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("references", Integer, nullable=False, default=0),
    Column("created_at", _Seconds, nullable=False),
    Column("used_at", _Seconds, nullable=False),
)

# `entry` is hold, settle, release, refund for a job; topup, allowance, … under a `reference` of their own.
ledger = Table(
    "ledger",
    metadata,
    _number(),
    Column("account_id", _Big, ForeignKey("accounts.id"), nullable=False, index=True),
    Column("job_seq", _Big, ForeignKey("jobs.seq")),
    Column("reference", String(200)),
    Column("entry", String(16), nullable=False),
    Column("amount_mc", BigInteger, nullable=False),
    Column("created_at", _Seconds, nullable=False),
    UniqueConstraint("job_seq", "entry"),
    UniqueConstraint("reference", "entry"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("api_key_id", _Big, ForeignKey("api_keys.id"), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("body_hash", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("status_code", Integer),
    Column("response", _Json),
    Column("job_id", String(64)),
    Column("created_at", _Seconds, nullable=False),
    Column("expires_at", _Seconds, nullable=False),
)

# Written in the transaction of the change it tells; the webhook deliverer takes it from here.
outbox = Table(
    "outbox",
    metadata,
    _number(),
    Column("account_id", _Big, ForeignKey("accounts.id"), nullable=False),
    Column("job_seq", _Big, ForeignKey("jobs.seq"), nullable=False),
    Column("event", String(64), nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("payload", _Json, nullable=False),
    Column("state", String(16), nullable=False),
    Column("tries", Integer, nullable=False, default=0),
    Column("due_at", _Seconds, nullable=False),
    Column("created_at", _Seconds, nullable=False),
    UniqueConstraint("job_seq", "event", "endpoint"),
)
Index(
    "ix_outbox_due",
    outbox.c.due_at,
    sqlite_where=outbox.c.state == "pending",
    postgresql_where=outbox.c.state == "pending",
)
