"""The native API, /farm/v1: every kind of job, its files, and who runs them."""

from farm.api.native import (
    assets,
    audit,
    batch_results,
    batches,
    customers,
    jobs,
    kinds,
    logs,
    money,
    operations,
    results,
    usage,
    voices,
    webhooks,
    why,
    workers,
)

routers = (
    jobs.router,
    results.router,
    why.router,
    logs.router,
    batches.router,
    batch_results.router,
    assets.router,
    kinds.router,
    voices.router,
    money.router,
    usage.router,
    customers.router,
    workers.router,
    operations.router,
    audit.router,
    webhooks.router,
)
