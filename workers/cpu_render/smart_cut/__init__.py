"""Takes over what a film shows unchanged of its clips, packet by packet, and encodes only what lies between.

`find.py` says what can be copied (`runs.py` decides it), `assembly.py` makes the film and checks it.
"""

from workers.cpu_render.smart_cut.assembly import cut
from workers.cpu_render.smart_cut.find import Copying, copying_nothing, find_copies
from workers.media.splice import NotSpliced

__all__ = ["Copying", "NotSpliced", "copying_nothing", "cut", "find_copies"]
