"""Drawn previews of a prompt: no weights, no model, and every frame says so.

`scene` reads a prompt into a description, which is pure; `places` and `silhouettes` draw its layers once;
`stage` moves a camera through them. The same prompt, seed and size give the same frames.
"""
