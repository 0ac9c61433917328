"""The native API, /farm/v1: every kind of job, its files, and who runs them."""

from farm.api.native import assets, jobs, kinds, results, why, workers

routers = (jobs.router, results.router, why.router, assets.router, kinds.router, workers.router)
