# A network as native operators: types and meanings are in _native.pyi.


def _itemsize(dtype):
    return 1 if dtype in ("uint8", "int8") else 4


def _pooled_shape(shape, kernel, stride, padding):
    height, width = ((extent + before + after - window) // by + 1 for extent, before, after, window, by in zip(
        shape[1:3], padding[:2], padding[2:], kernel, stride))
    return shape[0], height, width, shape[3]


cdef class Plan:
    # Built by one thread at a time, which the critical sections see to where there is no GIL; run by any.
    cdef qk_plan *plan
    cdef list _layers, _shapes, _dtypes, _tensors, _inputs, _outputs
    cdef readonly str isa

    def __cinit__(self):
        raise_for(qk_plan_create(&self.plan), "Plan")
        self._layers, self._shapes, self._dtypes, self._tensors = [], [], [], []
        self._inputs, self._outputs = [], []
        self.isa = current_isa()

    def __dealloc__(self):
        qk_plan_destroy(self.plan)

    cdef int new_tensor(self, shape, dtype) except -1:
        cdef int tensor
        size = math.prod(shape) * _itemsize(dtype)
        if size > sys.maxsize:
            raise MemoryError(f"Plan: out of memory: {size} bytes for a tensor of shape {tuple(shape)}")
        raise_for(qk_plan_add_tensor(self.plan, size, &tensor), "Plan")
        self._tensors.append(tensor)
        self._shapes.append(tuple(shape))
        self._dtypes.append(dtype)
        return len(self._shapes) - 1

    cdef int append(self, qk_op *op, sources, shape, dtype, name, kind, size_t rows, macs, parameters,
                    parameter_bytes) except -1:
        """`sources`: one tensor's number, or a tuple of as many as the operator reads."""
        implementation = qk_op_implementation(op).decode()
        inputs = sources if isinstance(sources, tuple) else (sources,)
        cdef int src[8]      # QK_MAX_INPUTS
        cdef int dst
        for i, tensor in enumerate(inputs):
            src[i] = self._tensors[tensor]
        try:
            dst = self.new_tensor(shape, dtype)
        except MemoryError:
            qk_op_destroy(op)
            raise
        raise_for(qk_plan_add_op(self.plan, op, rows, src, self._tensors[dst]), name)
        moved = sum(math.prod(self._shapes[t]) * _itemsize(self._dtypes[t]) for t in (*inputs, dst))
        self._layers.append({
            "name": name, "kind": kind, "implementation": implementation, "inputs": inputs, "output": dst,
            "input_shape": self._shapes[inputs[0]], "output_shape": tuple(shape), "input_dtype": self._dtypes[inputs[0]],
            "output_dtype": dtype, "macs": macs, "bytes": moved + parameter_bytes, "parameters": parameters})
        return dst

    @cython.critical_section
    def input(self, shape, dtype):
        tensor = self.new_tensor(shape, dtype)
        self._inputs.append(tensor)
        return tensor

    @cython.critical_section
    def quantize(self, int src, scale, zero_point, dtype, *, name):
        shape = self._shapes[src]
        cdef qk_affine m = affine_map((math.prod(shape) // scale.size, scale.size, 1), scale, zero_point, dtype)
        cdef qk_op *op
        raise_for(qk_quantize_create(&m, &op), name)
        return self.append(op, src, shape, dtype, name, "quantize", 0, 0, 0, 0)

    @cython.critical_section
    def dequantize(self, int src, scale, zero_point, *, name):
        shape = self._shapes[src]
        cdef qk_affine m = affine_map((math.prod(shape) // scale.size, scale.size, 1), scale, zero_point, self._dtypes[src])
        cdef qk_op *op
        raise_for(qk_dequantize_create(&m, &op), name)
        return self.append(op, src, shape, "float32", name, "dequantize", 0, 0, 0, 0)

    @cython.critical_section
    def conv2d(self, int src, weights, *, stride, padding, dilation, groups, input_zero_point, bias, multiplier,
               int zero_point, int lo, int hi, dtype, name, activation="", activation_scale=0.0):
        cdef qk_conv2d_desc d
        shape = self._shapes[src]
        if self._dtypes[src] != "uint8":
            raise ValueError(f"{name}: expected a uint8 input, got {self._dtypes[src]}")
        if (weights.shape[:2] == (1, 1) and groups == 1 and tuple(stride) == (1, 1) and not any(padding)
                and input_zero_point.size == 1):
            # a product, which takes weights as they lie
            return self.linear(src, weights[0, 0], input_zero_point=input_zero_point[0], bias=bias, multiplier=multiplier,
                               zero_point=zero_point, lo=lo, hi=hi, dtype=dtype, name=name, kind="pointwise",
                               activation=activation, activation_scale=activation_scale)
        weights = np.ascontiguousarray(weights)
        d.batch, d.height, d.width, d.channels_in = shape
        d.kernel_h, d.kernel_w, per_group, d.channels_out = weights.shape
        d.groups = groups
        d.stride_h, d.stride_w = stride
        d.dilation_h, d.dilation_w = dilation
        d.pad_top, d.pad_left, d.pad_bottom, d.pad_right = padding
        zero_points = np.ascontiguousarray(np.broadcast_to(input_zero_point, shape[3]), np.int32)
        d.input_zero_point = <const int32_t *>address(zero_points)
        d.weights = address(weights)
        d.weights_dtype = _DTYPES[weights.dtype.name]
        bias = np.ascontiguousarray(bias, np.int32)
        multiplier = np.ascontiguousarray(multiplier, np.float32)
        cdef qk_epilogue e = make_epilogue(bias, multiplier, zero_point, lo, hi, dtype, activation, activation_scale)
        cdef qk_op *op
        raise_for(qk_conv2d_create(&d, &e, &op), name)
        height, width = (
            (extent + before + after - (kernel - 1) * step - 1) // by + 1
            for extent, before, after, kernel, step, by in zip(
                shape[1:3], padding[:2], padding[2:], weights.shape[:2], dilation, stride))
        out = (shape[0], height, width, weights.shape[3])
        kind = ("depthwise" if groups == shape[3] > 1 and per_group == 1 else
                "pointwise" if weights.shape[:2] == (1, 1) and groups == 1 else "conv2d")
        return self.append(op, src, out, dtype, name, kind, 0, math.prod(out) * math.prod(weights.shape[:3]),
                           weights.size + bias.size, weights.size + 8 * bias.size)

    @cython.critical_section
    def linear(self, int src, weights, *, int input_zero_point, bias, multiplier, int zero_point, int lo, int hi, dtype,
               name, kind="linear", activation="", activation_scale=0.0):
        cdef qk_linear_desc d
        shape = self._shapes[src]
        if self._dtypes[src] != "uint8":
            raise ValueError(f"{name}: expected a uint8 input, got {self._dtypes[src]}")
        bias = np.ascontiguousarray(bias, np.int32)
        multiplier = np.ascontiguousarray(multiplier, np.float32)
        d.k, d.n = weights.shape
        d.weights = address(weights)
        d.stride_k, d.stride_n = (stride // weights.itemsize for stride in weights.strides)
        d.weights_dtype = _DTYPES[weights.dtype.name]
        d.weights_zero_point = NULL
        d.input_zero_point = input_zero_point
        cdef qk_epilogue e = make_epilogue(bias, multiplier, zero_point, lo, hi, dtype, activation, activation_scale)
        cdef qk_op *op
        raise_for(qk_linear_create(&d, &e, &op), name)
        rows = math.prod(shape[:-1])
        return self.append(op, src, (*shape[:-1], weights.shape[1]), dtype, name, kind, rows, rows * weights.size,
                           weights.size + bias.size, weights.size + 8 * bias.size)

    @cython.critical_section
    def average_pool(self, int src, *, kernel, stride, padding, bint exclude_pad, int input_zero_point, float multiplier,
                     int zero_point, int lo, int hi, dtype, name):
        cdef qk_average_pool_desc d
        shape = self._shapes[src]
        if self._dtypes[src] != "uint8":
            raise ValueError(f"{name}: expected a uint8 input, got {self._dtypes[src]}")
        d.batch, d.height, d.width, d.channels = shape
        d.kernel_h, d.kernel_w = kernel
        d.stride_h, d.stride_w = stride
        d.pad_top, d.pad_left, d.pad_bottom, d.pad_right = padding
        d.exclude_pad = exclude_pad
        d.input_zero_point, d.multiplier = input_zero_point, multiplier
        d.zero_point, d.lo, d.hi = zero_point, lo, hi
        d.dtype = _DTYPES[dtype]
        cdef qk_op *op
        raise_for(qk_average_pool_create(&d, &op), name)
        return self.append(op, src, _pooled_shape(shape, kernel, stride, padding), dtype, name, "average_pool", 0, 0, 0, 0)

    @cython.critical_section
    def max_pool(self, int src, *, kernel, stride, padding, name):
        cdef qk_max_pool_desc d
        shape = self._shapes[src]
        if self._dtypes[src] != "uint8":
            raise ValueError(f"{name}: expected a uint8 input, got {self._dtypes[src]}")
        d.batch, d.height, d.width, d.channels = shape
        d.kernel_h, d.kernel_w = kernel
        d.stride_h, d.stride_w = stride
        d.pad_top, d.pad_left, d.pad_bottom, d.pad_right = padding
        cdef qk_op *op
        raise_for(qk_max_pool_create(&d, &op), name)
        return self.append(op, src, _pooled_shape(shape, kernel, stride, padding), "uint8", name, "max_pool", 0, 0, 0, 0)

    @cython.critical_section
    def arithmetic(self, int a, int b, *, operation, zero_points, scales, int zero_point, int lo, int hi, dtype, name):
        cdef qk_arithmetic_desc d
        shape, other = self._shapes[a], self._shapes[b]
        if (self._dtypes[a], self._dtypes[b]) != ("uint8", "uint8"):
            raise ValueError(f"{name}: expected uint8 inputs, got {self._dtypes[a]} and {self._dtypes[b]}")
        d.one_pixel_b = other != shape
        if d.one_pixel_b and other != (shape[0], *(1,) * (len(shape) - 2), shape[-1]):
            raise ValueError(f"{name}: expected inputs of one shape, or a second of one pixel, got {shape} and {other}")
        d.operation = {"add": QK_ADD, "multiply": QK_MULTIPLY}[operation]
        d.images, d.pixels, d.channels = shape[0], math.prod(shape[1:-1]), shape[-1]
        d.zero_point_a, d.zero_point_b = zero_points
        d.scale_a, d.scale_b = scales
        d.zero_point, d.lo, d.hi = zero_point, lo, hi
        d.dtype = _DTYPES[dtype]
        cdef qk_op *op
        raise_for(qk_arithmetic_create(&d, &op), name)
        return self.append(op, (a, b), shape, dtype, name, operation, 0, 0, 0, 0)

    @cython.critical_section
    def table(self, int src, entries, *, name):
        shape = self._shapes[src]
        if self._dtypes[src] != "uint8":
            raise ValueError(f"{name}: expected a uint8 input, got {self._dtypes[src]}")
        entries = np.ascontiguousarray(entries, np.uint8)
        if entries.shape != (256,):
            raise ValueError(f"{name}: expected a table of 256 entries, got shape {entries.shape}")
        cdef qk_op *op
        raise_for(qk_table_create(math.prod(shape), <const uint8_t *>address(entries), &op), name)
        return self.append(op, src, shape, "uint8", name, "table", 0, 0, 0, 0)

    @cython.critical_section
    def transpose(self, int src, rows, columns, shape, *, name):
        elements = math.prod(self._shapes[src])
        if elements != math.prod(shape) or elements % (rows * columns):
            raise ValueError(f"{name}: {self._shapes[src]} in matrices of {rows} x {columns} is not {shape}")
        cdef qk_op *op
        raise_for(qk_transpose_create(elements // (rows * columns), rows, columns, _DTYPES[self._dtypes[src]], &op), name)
        return self.append(op, src, shape, self._dtypes[src], name, "transpose", 0, 0, 0, 0)

    @cython.critical_section
    def softmax(self, int src, *, name):
        shape = self._shapes[src]
        cdef qk_op *op
        raise_for(qk_softmax_create(math.prod(shape[:-1]), shape[-1], &op), name)
        return self.append(op, src, shape, "float32", name, "softmax", 0, 0, 0, 0)

    @cython.critical_section
    def reshape(self, int src, shape):
        if math.prod(shape) != math.prod(self._shapes[src]):
            raise ValueError(f"reshape: {self._shapes[src]} has not as many elements as {tuple(shape)}")
        self._tensors.append(self._tensors[src])
        self._shapes.append(tuple(shape))
        self._dtypes.append(self._dtypes[src])
        return len(self._shapes) - 1

    @cython.critical_section
    def finish(self, outputs):
        cdef int ins[16]
        cdef int outs[16]
        if len(self._inputs) > 16 or len(outputs) > 16:
            raise ValueError("finish: at most 16 inputs and 16 outputs")
        for i, tensor in enumerate(self._inputs):
            ins[i] = self._tensors[tensor]
        for i, tensor in enumerate(outputs):
            outs[i] = self._tensors[tensor]
        self._outputs = list(outputs)
        raise_for(qk_plan_finish(self.plan, ins, len(self._inputs), outs, len(outputs)), "the plan's activations")

    @property
    def layers(self):
        return tuple(self._layers)

    @property
    def arena_bytes(self):
        return qk_plan_arena_bytes(self.plan)

    def shape(self, int tensor):
        return self._shapes[tensor]

    def storage(self, int tensor):
        """Tensors of one storage number are the same bytes: a reshaped one and what it was made of."""
        return self._tensors[tensor]

    cdef int check(self, array, int tensor, what) except -1:
        if array.shape != self._shapes[tensor] or array.dtype.name != self._dtypes[tensor] or not array.flags.c_contiguous:
            raise ValueError(f"{what}: expected a C-contiguous {self._dtypes[tensor]} array of shape "
                             f"{self._shapes[tensor]}, got {array.dtype.name} {array.shape}")
        return 0

    cdef int run_many(self, inputs, outputs, size_t repeats, uint64_t *ns, size_t columns) except -1:
        """Row r of `ns` (unless NULL): each operator's nanoseconds and, last, the whole run's."""
        cdef const void *ins[16]
        cdef void *outs[16]
        cdef qk_status status = QK_OK
        cdef size_t r
        cdef uint64_t before
        if len(inputs) != len(self._inputs) or len(outputs) != len(self._outputs):
            raise ValueError(f"run: expected {len(self._inputs)} inputs and {len(self._outputs)} outputs")
        for i, array in enumerate(inputs):
            self.check(array, self._inputs[i], f"inputs[{i}]")
            ins[i] = address(array)
        for i, array in enumerate(outputs):
            self.check(array, self._outputs[i], f"outputs[{i}]")
            outs[i] = address(array)
        with nogil:
            for r in range(repeats):
                before = qk_clock_ns()
                status = qk_plan_run(self.plan, ins, outs, ns + r * columns if ns else NULL)
                if status != QK_OK:
                    break
                if ns:
                    ns[r * columns + columns - 1] = qk_clock_ns() - before
        raise_for(status, "run")
        return 0

    def run(self, inputs, outputs):
        self.run_many(inputs, outputs, 1, NULL, 0)

    def profile(self, inputs, outputs, repeats):
        columns = len(self._layers) + 1
        ns = np.empty((repeats, columns), np.uint64)
        self.run_many(inputs, outputs, repeats, <uint64_t *>address(ns), columns)
        return ns

    def run_layer(self, index, inputs, output):
        self.time_layer(index, inputs, output, 1)

    def time_layer(self, size_t index, inputs, output, size_t repeats):
        layer = self._layers[index]
        cdef const void *src[8]      # QK_MAX_INPUTS
        if len(inputs) != len(layer["inputs"]):
            raise ValueError(f"{layer['name']}: expected {len(layer['inputs'])} inputs, got {len(inputs)}")
        for i, array in enumerate(inputs):
            self.check(array, layer["inputs"][i], f"inputs[{i}]")
            src[i] = address(array)
        self.check(output, layer["output"], "output")
        samples = np.empty(repeats, np.uint64)
        cdef uint64_t *ns = <uint64_t *>address(samples)
        cdef void *dst = address(output)
        cdef qk_status status
        with nogil:
            status = qk_plan_run_op(self.plan, index, src, dst, repeats, ns)
        raise_for(status, layer["name"])
        return samples
