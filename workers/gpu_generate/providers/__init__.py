"""The engines of generation, one module each, named as providers.toml and the models' catalog name them."""
