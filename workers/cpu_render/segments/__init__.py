"""A long film in parts: cut by cost, each rendered by a task of its own, joined again."""
