"""The models that come with the package: one folder each, named by entry points in `amanuensis.models`."""
