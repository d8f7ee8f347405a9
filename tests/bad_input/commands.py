"""Rows of the command line."""

from .row import ANY, CommandRow


def threads_and_isa(command, *required):
    return [CommandRow(command, "threads", "zero", (*required, "--threads", "0"), 2,
                       "Error: Invalid value for '--threads': 0 is not in the range 1<=x<=256."),
            CommandRow(command, "threads", "no number", (*required, "--threads", "two"), 2,
                       "Error: Invalid value for '--threads': 'two' is not a valid integer range."),
            CommandRow(command, "isa", "unknown, or not of this CPU", (*required, "--isa", "sse9"), 2,
                       "Error: Invalid value for --isa: name: expected an instruction set that this CPU has "
                       f"(scalar{ANY}), got 'sse9'")]


PEERS = "gemm has onednn, onnxruntime, numkong, pytorch, numpy, peak; got"
FAMILIES = "'quantize', 'dequantize', 'gemm', 'conv', 'depthwise', 'pool', 'network'"

ROWS = [
    CommandRow("report", "model", "a missing file", ("{tmp}/absent.xml",), 1,
               f"qkernels: FileNotFoundError: source: '{ANY}absent.xml' does not exist"),
    CommandRow("report", "model", "a file that is no model", ("{tmp}/text.xml",), 1,
               f"qkernels: ValueError: source: '{ANY}text.xml' is not a model that OpenVINO reads: {ANY}"),
    CommandRow("report", "model", "a directory without a model", ("{tmp}/empty",), 1,
               f"qkernels: ValueError: source: '{ANY}empty' is not a model that OpenVINO reads: {ANY}"),
    CommandRow("report", "images", "a missing directory", ("--images", "{tmp}/absent"), 2,
               f"Error: Invalid value for '--images': Directory '{ANY}absent' does not exist."),
    CommandRow("report", "images", "a file", ("--images", "{tmp}/text.xml"), 2,
               f"Error: Invalid value for '--images': Directory '{ANY}text.xml' is a file."),
    CommandRow("report", "images", "no image in it", ("--images", "{tmp}/empty"), 1,
               f"qkernels: ValueError: {ANY}empty: no image (.jpg, .jpeg, .png, .bmp, .webp)"),
    CommandRow("report", "images", "a damaged image in it", ("--images", "{tmp}/damaged"), 1,
               f"qkernels: ValueError: {ANY}cut.jpg: a damaged image: {ANY}"),
    *threads_and_isa("report"),
    CommandRow("report", "repeats", "too few for an interval", ("--repeats", "1"), 2,
               "Error: Invalid value for '--repeats': 1 is not in the range x>=2."),
    CommandRow("report", "out", "a file", ("--out", "{tmp}/text.xml"), 2,
               f"Error: Invalid value for '--out': Directory '{ANY}text.xml' is a file."),
    CommandRow("run", "model", "none", (), 2, "Error: Missing argument 'MODEL'."),
    CommandRow("run", "model", "a missing file", ("{tmp}/absent.xml", "{tmp}/cut.jpg"), 1,
               f"qkernels: FileNotFoundError: source: '{ANY}absent.xml' does not exist"),
    CommandRow("run", "model", "an input that is no image", ("{tmp}/small.xml", "{tmp}/good.png"), 1,
               "qkernels: ValueError: inputs[0]: expected shape (1, 8, 8, 4), got (1, 224, 224, 3)"),
    CommandRow("run", "images", "none", ("embedded",), 2, "Error: Missing argument 'IMAGE...'."),
    CommandRow("run", "images", "a missing file", ("embedded", "{tmp}/absent.jpg"), 1,
               f"qkernels: FileNotFoundError: [Errno 2] No such file or directory: '{ANY}absent.jpg'"),
    CommandRow("run", "images", "no image", ("embedded", "{tmp}/text.xml"), 1,
               f"qkernels: ValueError: {ANY}text.xml: not an image that Pillow can read"),
    CommandRow("run", "images", "an empty file", ("embedded", "{tmp}/empty.png"), 1,
               f"qkernels: ValueError: {ANY}empty.png: not an image that Pillow can read"),
    CommandRow("run", "images", "a truncated image", ("embedded", "{tmp}/damaged/cut.jpg"), 1,
               f"qkernels: ValueError: {ANY}cut.jpg: a damaged image: {ANY}"),
    CommandRow("run", "images", "a directory", ("embedded", "{tmp}/empty"), 1,
               f"qkernels: IsADirectoryError: [Errno 21] Is a directory: '{ANY}empty'"),
    CommandRow("run", "images", "a decompression bomb", ("embedded", "{tmp}/bomb.png"), 1,
               f"qkernels: ValueError: {ANY}bomb.png: an image too large to be read: {ANY}"),
    *threads_and_isa("run", "embedded", "{tmp}/good.png"),
    CommandRow("bench", "family", "unknown", ("fft",), 2,
               f"Error: Invalid value for '{{{ANY}}}': 'fft' is not one of {FAMILIES}."),
    CommandRow("bench", "peers", "not one of the family's", ("gemm", "--peers", "openvino"), 2,
               f"Error: Invalid value for --peers: {PEERS} 'openvino'"),
    CommandRow("bench", "peers", "empty", ("gemm", "--peers", ""), 2, f"Error: Invalid value for --peers: {PEERS} ''"),
    CommandRow("bench", "json_path", "a directory", ("pool", "--json", "{tmp}/empty"), 2,
               f"Error: Invalid value for '--json': File '{ANY}empty' is a directory."),
    CommandRow("bench", "json_path", "below a file",
               ("pool", "--json", "{tmp}/text.xml/r.json", "--repeats", "2", "--cache", "warm"), 1,
               f"qkernels: FileExistsError: [Errno 17] File exists: '{ANY}text.xml'"),
    *threads_and_isa("bench", "gemm"),
    CommandRow("bench", "repeats", "too few for an interval", ("gemm", "--repeats", "1"), 2,
               "Error: Invalid value for '--repeats': 1 is not in the range x>=2."),
    CommandRow("bench", "states", "unknown", ("gemm", "--cache", "hot"), 2,
               "Error: Invalid value for '--cache': 'hot' is not one of 'warm', 'cold-l2', 'cold-l3'."),
    CommandRow("bench", "tflite", "a missing file", ("network", "--tflite", "{tmp}/absent.tflite"), 2,
               f"Error: Invalid value for '--tflite': File '{ANY}absent.tflite' does not exist."),
    CommandRow("bench", "tflite", "with another family", ("gemm", "--tflite", "{tmp}/text.xml"), 2,
               "Error: Invalid value for --tflite: goes with the family network, got gemm"),
    CommandRow("fetch", "name", "none", (), 2, "Error: Missing argument 'NAME'."),
    CommandRow("fetch", "name", "unknown", ("mobilenet_v1_2.0_224",), 2,
               "Error: Invalid value for NAME: name: expected mobilenet-v1, mobilenet-v2, "
               "mobilenet_v1_{1.0,0.75,0.5,0.25}_{224,192,160,128} or mobilenet_v2_1.0_224, both also with _quant, "
               "got 'mobilenet_v1_2.0_224'"),
    CommandRow("info", "as_json", "a value", ("--json=yes",), 2, "Error: Option '--json' does not take a value."),
]
