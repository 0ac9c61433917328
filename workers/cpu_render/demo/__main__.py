"""`python -m workers.cpu_render.demo DIR`: draw the demo's input and say where it is."""

import sys
from pathlib import Path

from workers.cpu_render.demo import draw

if len(sys.argv) != 2:
    sys.exit("usage: python -m workers.cpu_render.demo DIR")
for path in draw(Path(sys.argv[1])):
    print(path)
