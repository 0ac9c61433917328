"""Pictures and films drawn by models that this engine process holds, with diffusers. One job at a time."""
