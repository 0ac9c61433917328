"""WHAT may be asked: one file per kind with its typed params. Nothing heavy is imported here."""
