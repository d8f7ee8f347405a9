"""Engines that run a whole model or one layer of it: qkernels and OpenVINO behind one interface."""
