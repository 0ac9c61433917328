"""The only truth: SQL on SQLite (WAL) or PostgreSQL. Nothing above the doors and the schedulers imports it."""
