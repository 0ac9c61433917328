"""Hears a narration: which words, and when. The one door of the alignment engines.

`heard` is what a performer calls. With a recogniser (see configs/align.toml) the words are recognised, and a
known text is matched with them; without one a known text is found in the sound by comparing it with a
synthetic reading of the text. Where pocketsphinx is installed, both are sharpened by forced alignment.
"""

from workers.asr_align.aligning.hearing import heard
from workers.asr_align.aligning.wish import Wish, configured

__all__ = ["Wish", "configured", "heard"]
