"""API shapes that others have published: wire models, to_spec, to_wire. No store, no broker, no engine."""
