"""The only truth: SQL on SQLite (WAL) or PostgreSQL. Only the doors and the schedulers import it."""
