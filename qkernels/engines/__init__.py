"""Engines behind one interface: qkernels and its peers, for a whole model, one layer of it or a single operation."""
