"""Which provider serves a task, and what follows when one fails. The only way the farm uses providers."""
