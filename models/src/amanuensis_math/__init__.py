"""Folders of formula models, found by amanuensis through the entry-point group `amanuensis.models`."""
