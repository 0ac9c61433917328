"""Plans the cuts of a media render from what was asked for in words and what was measured.

Pure: what looks, listens and asks a model lives in the workers. A planner drafts, `settling` makes its draft
right to a frame, whoever drafted it.
"""
