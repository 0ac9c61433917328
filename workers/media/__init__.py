"""Media shared by the pools: sniffing, probing, decoding, sound, encoding."""
