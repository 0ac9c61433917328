"""Retention: deletes what has expired, a little at a time. Beside the scheduler, never in its tick."""
