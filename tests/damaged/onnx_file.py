"""The bytes of a small ONNX model, written without the `onnx` package: y = Relu(x)."""


def field(number, value):
    """One field of a protocol buffer: an int as a varint, bytes or text with their length before."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(value):
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes((*found, value))


def tensor(name, *shape):
    dimensions = b"".join(field(1, field(1, size)) for size in shape)
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, dimensions)))  # element type 1: float32


def relu_model():
    node = field(1, "x") + field(2, "y") + field(3, "activation") + field(4, "Relu")
    graph = field(1, node) + field(2, "small") + field(11, tensor("x", 1, 8)) + field(12, tensor("y", 1, 8))
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 13))
