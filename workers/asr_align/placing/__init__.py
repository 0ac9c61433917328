"""Finds scenes in what was heard: `placed` turns a Heard into a start for every scene. Reads no sound."""

from workers.asr_align.placing.placing import placed

__all__ = ["placed"]
