"""What editors would make of a file: readers that are not the farm's, whose findings have one shape."""
