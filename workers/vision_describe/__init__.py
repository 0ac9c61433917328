"""The vision-describe pool."""
