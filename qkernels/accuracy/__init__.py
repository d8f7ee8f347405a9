"""How good a quantized model's answers are: on labelled images, beside the float model's."""
