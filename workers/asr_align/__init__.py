"""The asr-align pool."""
