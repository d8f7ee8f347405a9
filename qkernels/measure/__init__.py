"""Measurement: the clock, runs in turn, statistics, the roofline, the machine, and the jobs made of them."""
