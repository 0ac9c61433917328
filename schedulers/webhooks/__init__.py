"""The webhook deliverer: fans events out and sends them. Beside the scheduler, never in its tick."""
