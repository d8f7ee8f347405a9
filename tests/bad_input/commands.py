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
FAMILIES = "'quantize', 'dequantize', 'gemm', 'conv', 'depthwise', 'pool', 'network', 'models'"

QUANTIZE = "{tmp}/float.xml", "--images", "{tmp}/images", "--out", "{tmp}/new/q.xml"
ACCURACY = "{tmp}/float.xml", "--images", "{tmp}/images", "--labels", "{tmp}/labels.csv"
SENSITIVITY = "{tmp}/float.xml", "{tmp}/q.xml", "--images", "{tmp}/images"


def choice(command, parameter, required, allowed):
    return CommandRow(command, parameter, "unknown", (*required, f"--{parameter}", "best"), 2,
                      f"Error: Invalid value for '--{parameter}': 'best' is not one of {allowed}.")


def models(command, parameter, shown, required):
    """`required`: the arguments with "{model}" where the parameter's own stands."""
    def put(path):
        return tuple(path if argument == "{model}" else argument for argument in required)
    before = required[:required.index("{model}")]
    return [CommandRow(command, parameter, "none", before, 2, f"Error: Missing argument '{shown}'."),
            CommandRow(command, parameter, "a missing file", put("{tmp}/absent.xml"), 2,
                       f"Error: Invalid value for '{shown}': Path '{ANY}absent.xml' does not exist."),
            CommandRow(command, parameter, "a file that is no model", put("{tmp}/text.xml"), 1,
                       f"qkernels: ValueError: source: '{ANY}text.xml' is not a model that OpenVINO reads: {ANY}")]


def image_folders(command, required):
    """An option given twice has its last value."""
    return [CommandRow(command, "images", "a missing directory", (*required, "--images", "{tmp}/absent"), 2,
                       f"Error: Invalid value for '--images': Directory '{ANY}absent' does not exist."),
            CommandRow(command, "images", "no image in it", (*required, "--images", "{tmp}/empty"), 1,
                       f"qkernels: ValueError: {ANY}empty: no image (.jpg, .jpeg, .png, .bmp, .webp)"),
            CommandRow(command, "images", "a damaged image in it", (*required, "--images", "{tmp}/damaged"), 1,
                       f"qkernels: ValueError: {ANY}cut.jpg: a damaged image: {ANY}"),
            CommandRow(command, "images", "a decompression bomb in it", (*required, "--images", "{tmp}/bombs"), 1,
                       f"qkernels: ValueError: {ANY}bomb.png: an image too large to be read: {ANY}")]


def samples(command, required):
    return CommandRow(command, "samples", "zero", (*required, "--samples", "0"), 2,
                      "Error: Invalid value for '--samples': 0 is not in the range x>=1.")


def seed_and_preprocessing(command, required):
    return [CommandRow(command, "seed", "negative", (*required, "--seed", "-1"), 2,
                       "Error: Invalid value for '--seed': -1 is not in the range x>=0."),
            choice(command, "fit", required, "'crop', 'stretch'"),
            CommandRow(command, "crop", "zero", (*required, "--crop", "0"), 2,
                       "Error: Invalid value for '--crop': 0.0 is not in the range 0<x<=1."),
            choice(command, "interpolation", required, "'nearest', 'bilinear', 'bicubic', 'lanczos'"),
            CommandRow(command, "mean", "two numbers", (*required, "--mean", "1,2"), 2,
                       "Error: Invalid value for '--mean': expected one number or three with commas between, got '1,2'"),
            CommandRow(command, "mean", "infinite in float32", (*required, "--mean", "1e60"), 1,
                       "qkernels: ValueError: mean: expected finite float32 values, got (1e+60, 1e+60, 1e+60)"),
            CommandRow(command, "scale", "no number", (*required, "--scale", "a"), 2,
                       "Error: Invalid value for '--scale': expected one number or three with commas between, got 'a'"),
            CommandRow(command, "scale", "zero", (*required, "--scale", "1,0,1"), 1,
                       "qkernels: ValueError: scale: expected finite float32 values other than 0, got (1.0, 0.0, 1.0)")]


def switch(command, parameter, required):
    name = parameter.replace("_", "-")
    return CommandRow(command, parameter, "a value", (*required, f"--{name}=1"), 2,
                      f"Error: Option '--{name}' does not take a value.")


IMAGE_MODEL = "qkernels: ValueError: model: expected one input of one image of three channels, got [1,8,8,4]"

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
               IMAGE_MODEL),
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
               "Error: Invalid value for --tflite: goes with the families network and models, got gemm"),
    *models("quantize", "model", "MODEL", ("{model}", *QUANTIZE[1:])),
    CommandRow("quantize", "model", "an input that is no image", ("{tmp}/small.xml", *QUANTIZE[1:]), 1, IMAGE_MODEL),
    CommandRow("quantize", "model", "quantized already", ("{tmp}/q.xml", *QUANTIZE[1:]), 1,
               f"qkernels: ValueError: source: {ANY} is a FakeQuantize: the model is quantized already"),
    *image_folders("quantize", QUANTIZE),
    CommandRow("quantize", "out", "another suffix", (*QUANTIZE[:-1], "{tmp}/q.onnx"), 2,
               "Error: Invalid value for --out: expected a name that ends in .xml, got 'q.onnx'"),
    CommandRow("quantize", "out", "below a file", (*QUANTIZE[:-1], "{tmp}/text.xml/q.xml"), 1,
               f"qkernels: FileExistsError: [Errno 17] File exists: '{ANY}text.xml'"),
    samples("quantize", QUANTIZE),
    *seed_and_preprocessing("quantize", QUANTIZE),
    choice("quantize", "method", QUANTIZE, "'auto', 'minmax', 'percentile', 'mse', 'entropy'"),
    choice("quantize", "weights", QUANTIZE, "'s8', 'u8'"),
    choice("quantize", "rounding", QUANTIZE, "'error', 'nearest'"),
    switch("quantize", "equalize", QUANTIZE), switch("quantize", "bias_correction", QUANTIZE),
    *models("accuracy", "models", "MODEL...", ("{model}", *ACCURACY[1:])),
    CommandRow("accuracy", "models", "an input that is no image", ("{tmp}/small.xml", *ACCURACY[1:]), 1, IMAGE_MODEL),
    CommandRow("accuracy", "images", "a missing directory", (*ACCURACY, "--images", "{tmp}/absent"), 2,
               f"Error: Invalid value for '--images': Directory '{ANY}absent' does not exist."),
    CommandRow("accuracy", "images", "not those that have labels", (*ACCURACY, "--images", "{tmp}/empty"), 1,
               f"qkernels: FileNotFoundError: {ANY}labels.csv:1: '{ANY}good.png' does not exist"),
    CommandRow("accuracy", "labels", "none", ACCURACY[:-2], 2, "Error: Missing option '--labels'."),
    CommandRow("accuracy", "labels", "another form", (*ACCURACY, "--labels", "{tmp}/text.xml"), 1,
               f"qkernels: ValueError: {ANY}text.xml:1: 'nothing', expected file,index"),
    CommandRow("accuracy", "labels", "no text", (*ACCURACY, "--labels", "{tmp}/images/good.png"), 1,
               f"qkernels: ValueError: {ANY}good.png: not a CSV file in UTF-8: {ANY}"),
    CommandRow("accuracy", "labels", "classes that the model does not have", (*ACCURACY, "--labels", "{tmp}/wrong.csv"), 1,
               "qkernels: ValueError: labels: 9..9, the model has classes 0..1"),
    CommandRow("accuracy", "skip", "negative", (*ACCURACY, "--skip", "-1"), 2,
               "Error: Invalid value for '--skip': -1 is not in the range x>=0."),
    CommandRow("accuracy", "skip", "as many as there are", (*ACCURACY, "--skip", "1"), 1,
               "qkernels: ValueError: images: none of 1 is left, 1 skipped and the others used for calibration"),
    *seed_and_preprocessing("accuracy", ACCURACY),
    *threads_and_isa("accuracy", *ACCURACY),
    switch("accuracy", "layers", ACCURACY),
    CommandRow("accuracy", "json_path", "a directory", (*ACCURACY, "--json", "{tmp}/empty"), 2,
               f"Error: Invalid value for '--json': File '{ANY}empty' is a directory."),
    CommandRow("accuracy", "json_path", "below a file", (*ACCURACY, "--json", "{tmp}/text.xml/a.json"), 1,
               f"qkernels: FileExistsError: [Errno 17] File exists: '{ANY}text.xml'"),
    *models("sensitivity", "float_model", "FLOAT", ("{model}", *SENSITIVITY[1:])),
    CommandRow("sensitivity", "float_model", "quantized already", ("{tmp}/q.xml", *SENSITIVITY[1:]), 1,
               f"qkernels: ValueError: source: {ANY} is a FakeQuantize: the model is quantized already"),
    *models("sensitivity", "quantized", "QUANTIZED", (SENSITIVITY[0], "{model}", *SENSITIVITY[2:])),
    CommandRow("sensitivity", "quantized", "not quantized", (SENSITIVITY[0], SENSITIVITY[0], *SENSITIVITY[2:]), 1,
               f"qkernels: ValueError: quantized: the input of {ANY} has no FakeQuantize"),
    *image_folders("sensitivity", SENSITIVITY),
    samples("sensitivity", SENSITIVITY),
    *seed_and_preprocessing("sensitivity", SENSITIVITY),
    CommandRow("fetch", "name", "none", (), 2, "Error: Missing argument 'NAME'."),
    CommandRow("fetch", "name", "unknown", ("mobilenet_v1_2.0_224",), 2,
               "Error: Invalid value for NAME: name: expected mobilenet-v1, mobilenet-v2, "
               "mobilenet_v1_{1.0,0.75,0.5,0.25}_{224,192,160,128} or mobilenet_v2_1.0_224, both also with _quant, "
               "got 'mobilenet_v1_2.0_224'"),
    CommandRow("info", "as_json", "a value", ("--json=yes",), 2, "Error: Option '--json' does not take a value."),
]
