"""The farm over HTTP: the native API and the surfaces, thin over the doors."""
