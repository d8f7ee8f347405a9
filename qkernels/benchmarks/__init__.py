"""Benchmarks of single operations and of the network against the installed peers: shapes, measuring, results, targets."""
