"""Kinefarm: the nouns, the store, the doors and the front door of the render farm."""

__version__ = "0.1.0"
