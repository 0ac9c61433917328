"""The only place that talks to Redis, Celery and kombu. Carries ids and what may be lost, nothing else."""
