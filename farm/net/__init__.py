"""Outbound HTTP to addresses that customers name: checked, bounded, never followed."""
