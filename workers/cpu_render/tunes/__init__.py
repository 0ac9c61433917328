"""The tunes that the farm synthesises itself: one score a file, found by its name.

What may be asked for, and what each tune is like, is in tasks/media_render/tunes.py; here is how it sounds.
To add a tune: a file here with a SCORE, and its entry there.
"""
