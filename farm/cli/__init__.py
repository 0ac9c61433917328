"""The `farm` command. Talks to doors on the farm's own host, to the API from anywhere; opens no media."""
