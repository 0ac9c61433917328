"""DECIDES: which task next, what follows a failure, what is lost."""
