"""Charts that move: line, bar, area and pie from data, or a picture of a chart that a camera travels over.

Everything that stands still is drawn once; for each frame only the marks are drawn anew, by compiled kernels.
"""
