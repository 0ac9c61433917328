"""Descriptions of pictures: measured, by a service, or by a model of this worker's own."""
