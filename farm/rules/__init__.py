"""What the configs say, one module for each part of the farm; farm/catalog.py reads them."""
