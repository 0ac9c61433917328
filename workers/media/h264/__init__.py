"""H.264 as it lies in files: units, parameter sets, slice headers. Bytes in, bytes out; knows no codec."""
