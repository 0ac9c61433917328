"""HOW it is done: the runner, the engine processes and the pools."""
