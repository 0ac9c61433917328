"""The gpu-generate pool."""
