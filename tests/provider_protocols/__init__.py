"""Servers that speak the providers' published APIs, written by hand from their schemas, each field cited.

They refuse what the schema does not allow, misbehave on demand, and keep books of what was sold.
"""
