/* The part of checker.c for kernels that run over elements, pixels and probes; included there once. */

enum { QUANTIZE, QUANTIZE_CHANNELS, DEQUANTIZE, DEQUANTIZE_CHANNELS, REQUANTIZE, REQUANTIZE_CHANNELS, N_ELEMENTWISE };
static const char *const elementwise_names[] = {"quantize",            "quantize_channels", "dequantize",
                                                "dequantize_channels", "requantize",        "requantize_channels"};

struct elements {
    const void *x;
    size_t n;
    const float *scale;
    const int32_t *zero_point;
    uint8_t flip;
    struct qk_requant requant;
    int stream;
};

static void run_elements(const struct qk_kernels *k, int operation, const struct elements *e, void *y) {
    switch (operation) {
    case QUANTIZE: k->quantize(e->x, y, e->n, e->scale[0], e->zero_point[0], e->flip, e->stream); break;
    case QUANTIZE_CHANNELS: k->quantize_channels(e->x, y, e->n, e->scale, e->zero_point, e->flip); break;
    case DEQUANTIZE: k->dequantize(e->x, y, e->n, e->scale[0], e->zero_point[0], e->flip, e->stream); break;
    case DEQUANTIZE_CHANNELS: k->dequantize_channels(e->x, y, e->n, e->scale, e->zero_point, e->flip); break;
    case REQUANTIZE: k->requantize(e->x, y, e->n, e->scale[0], &e->requant); break;
    default: k->requantize_channels(e->x, y, e->n, e->scale, &e->requant); break;
    }
}

static void check_elements(int operation, size_t n, int32_t zero_point) {
    const int dequantizes = operation == DEQUANTIZE || operation == DEQUANTIZE_CHANNELS;
    const int requantizes = operation == REQUANTIZE || operation == REQUANTIZE_CHANNELS;
    const int per_channel = operation % 2, at_start = below(4) == 0;
    const size_t parameters = per_channel ? n : 1;
    enter("%s n=%zu zero_point=%d", elementwise_names[operation], n, (int)zero_point);
    float *scale = place(0, parameters * 4, 0);
    int32_t *zero_points = place(1, parameters * 4, 0);
    const size_t mode = below(4);
    for (size_t i = 0; i < parameters; i++) {
        scale[i] = requantizes ? any_multiplier(mode) : any_scale();
        zero_points[i] = i == 0 ? zero_point : (int32_t)below(256);
    }
    const size_t x_bytes = dequantizes ? n : 4 * n, y_bytes = dequantizes ? 4 * n : n;
    void *x = place(2, x_bytes, at_start);
    if (dequantizes) fill_bytes(x, n);
    for (size_t i = 0; i < n && requantizes; i++) ((int32_t *)x)[i] = any_int(mode);
    const int ordinary = below(2) == 0; /* no ties and no odd ones: what kernels have a quick way for */
    for (size_t i = 0; i < n && !requantizes && !dequantizes; i++) {
        const float s = scale[per_channel ? i : 0];
        ((float *)x)[i] = ordinary ? ((float)below(300) - 150.0f + (float)between(1, 40) / 100.0f) * s : any_float(s);
    }
    const struct elements e = {x, n, scale, zero_points, below(2) ? 0x80 : 0, any_requant(), (int)below(2)};
    void *expected = place(3, y_bytes, at_start), *got = place(4, y_bytes, at_start);
    run_elements(&scalar, operation, &e, expected);
    run_elements(&tested, operation, &e, got);
    check_same(expected, got, y_bytes, at_start);
}

/* By value: which of +0.0 and -0.0 is the lower is not defined. */
static void check_minmax(size_t n) {
    enter("minmax n=%zu", n);
    float *x = place(0, 4 * n, below(4) == 0);
    const size_t mode = below(3);
    for (size_t i = 0; i < n; i++) x[i] = mode == 0 ? NAN : mode == 1 ? any_float(1.0f) : (float)below(1000) - 1200.0f;
    float lo[2], hi[2];
    lo[0] = lo[1] = below(2) ? INFINITY : 0.0f;
    hi[0] = hi[1] = below(2) ? -INFINITY : 0.0f;
    scalar.minmax(x, n, &lo[0], &hi[0]);
    tested.minmax(x, n, &lo[1], &hi[1]);
    if (!(lo[0] == lo[1] && hi[0] == hi[1])) fail("differs from the scalar kernel");
}

enum { QUANTIZE16, DEQUANTIZE16, DEQUANTIZE32, N_WIDE };

static void run_wide(const struct qk_kernels *k, int operation, const void *x, void *y, size_t n, const float *scale,
                     const int32_t *zero_point, size_t step, uint16_t flip) {
    if (operation == QUANTIZE16) k->quantize16(x, y, n, scale, zero_point, step, flip);
    else if (operation == DEQUANTIZE16) k->dequantize16(x, y, n, scale, zero_point, step, flip);
    else k->dequantize32(x, y, n, scale, step);
}

/* Values round the zero point and far from it: any_float goes to 300 steps, so scales are spread over two orders more. */
static void check_wide(int operation, size_t n) {
    static const char *const names[] = {"quantize16", "dequantize16", "dequantize32"};
    const size_t step = below(2), parameters = step ? n : 1;
    const int at_start = below(4) == 0;
    enter("%s n=%zu step=%zu", names[operation], n, step);
    float *scale = place(0, parameters * 4, 0);
    int32_t *zero_points = place(1, parameters * 4, 0);
    for (size_t i = 0; i < parameters; i++) {
        scale[i] = any_scale();
        zero_points[i] = below(4) ? (int32_t)below(65536) : 65535 * (int32_t)below(2);
    }
    const size_t x_bytes = operation == DEQUANTIZE16 ? 2 * n : 4 * n, y_bytes = operation == QUANTIZE16 ? 2 * n : 4 * n;
    void *x = place(2, x_bytes, at_start);
    const size_t mode = below(4);
    for (size_t i = 0; i < n; i++) {
        if (operation == QUANTIZE16) ((float *)x)[i] = any_float(scale[step * i] * (float)(1 + below(300)));
        else if (operation == DEQUANTIZE16) ((uint16_t *)x)[i] = (uint16_t)(below(4) ? below(65536) : 65535 * below(2));
        else ((int32_t *)x)[i] = any_int(mode);
    }
    const uint16_t flip = below(2) ? 0x8000 : 0;
    void *expected = place(3, y_bytes, at_start), *got = place(4, y_bytes, at_start);
    run_wide(&scalar, operation, x, expected, n, scale, zero_points, step, flip);
    run_wide(&tested, operation, x, got, n, scale, zero_points, step, flip);
    check_same(expected, got, y_bytes, at_start);
}

static void check_quantize(void) {
    for (size_t n = 0; n <= 100; n++) {
        for (int j = 0; j < 8; j++) check_minmax(n);
        for (int j = 0; j < 8 * N_WIDE; j++) check_wide(j % N_WIDE, n);
        for (int operation = 0; operation < N_ELEMENTWISE; operation++)
            for (int j = 0; j < 4; j++) check_elements(operation, n, (int32_t)below(256));
    }
    for (int operation = 0; operation < N_ELEMENTWISE; operation++)
        for (int32_t zero_point = 0; zero_point < 256; zero_point++) check_elements(operation, between(60, 300),
                                                                                    zero_point);
}

static void check_conv_first_case(size_t channels, size_t width_out) {
    struct qk_conv_first_rows rows = {.rows_out = between(1, 3), .width_out = width_out, .channels = channels};
    enter("%s channels=%zu width_out=%zu rows_out=%zu", tested.conv_first->name, channels, width_out, rows.rows_out);
    rows.image_stride = 6 * width_out + 64 + below(2) * below(30);
    const size_t image_bytes = 2 * rows.rows_out * rows.image_stride + 6 * width_out + 64;
    uint8_t *image = place(0, image_bytes, below(4) == 0);
    fill_bytes(image, image_bytes);
    rows.image = image;
    int16_t *weights = place(3, QK_CONV_FIRST_TAPS * channels * sizeof *weights, 0);
    int32_t *bias = place(4, 4 * channels, 0);
    float *multiplier = place(5, 4 * channels, 0);
    for (size_t i = 0; i < QK_CONV_FIRST_TAPS * channels; i++) weights[i] = (int16_t)((int)below(256) - 128);
    if (below(2)) { /* one row may exceed int8 */
        int16_t *row = weights + below(QK_CONV_FIRST_TAPS) * channels;
        for (size_t c = 0; c < channels; c++) row[c] = (int16_t)((int)below(511) - 256);
    }
    if (!qk_conv_first_takes(channels, weights)) fail("weights are not taken");
    const size_t bias_mode = below(4), multiplier_mode = below(4);
    for (size_t c = 0; c < channels; c++) bias[c] = any_int(bias_mode), multiplier[c] = any_multiplier(multiplier_mode);
    struct qk_requant requant = any_requant();
    requant.bounded = qk_is_bounded(QK_CONV_FIRST_TAPS, 256, channels, bias, multiplier);
    const size_t bytes = rows.rows_out * width_out * channels;
    const int at_start = below(4) == 0;
    uint8_t *out[2];
    for (int i = 0; i < 2; i++) {
        const struct qk_conv_first_kernel *kernel = i ? tested.conv_first : scalar.conv_first;
        void *packed = place(6 + i, (kernel->packed_bytes(channels) + 63) / 64 * 64, 0);
        kernel->pack(channels, weights, bias, multiplier, packed);
        out[i] = rows.out = place(8 + i, bytes, at_start);
        kernel->run(&rows, packed, &requant);
    }
    check_same(out[0], out[1], bytes, at_start);
}

static void check_conv_first(void) {
    for (size_t channels = 1; channels <= 70; channels++)
        for (int j = 0; j < 8; j++) check_conv_first_case(channels, between(1, 40));
    for (size_t width_out = 1; width_out <= 130; width_out++)
        for (int j = 0; j < 4; j++) check_conv_first_case(32, width_out);
}

static void check_pool(void) {
    for (size_t channels = 1; channels <= 200; channels++)
        for (int j = 0; j < 4; j++) {
            const size_t rows = between(1, 8), columns = between(1, 8);
            const size_t column_stride = channels + below(2) * below(70);
            const size_t row_stride = columns * column_stride + below(2) * below(70);
            enter("window_sum channels=%zu rows=%zu columns=%zu", channels, rows, columns);
            const size_t bytes = (rows - 1) * row_stride + (columns - 1) * column_stride + channels;
            const int at_start = below(4) == 0;
            uint8_t *x = place(0, bytes, at_start);
            fill_bytes(x, bytes);
            const int32_t bias = (int32_t)below(1 << 20) - (1 << 19);
            int32_t *expected = place(1, 4 * channels, at_start), *got = place(2, 4 * channels, at_start);
            scalar.window_sum(x, rows, row_stride, columns, column_stride, channels, bias, expected);
            tested.window_sum(x, rows, row_stride, columns, column_stride, channels, bias, got);
            check_same(expected, got, 4 * channels, at_start);
        }
}

/* Finite values: which NaN comes out of which is not defined. */
static void check_softmax(void) {
    for (size_t n = 1; n <= 200; n++)
        for (int j = 0; j < 10; j++) {
            enter("softmax n=%zu", n);
            const int at_start = below(4) == 0;
            float *x = place(0, 4 * n, at_start);
            const float range = ldexpf(1.0f, (int)below(10) - 2);
            for (size_t i = 0; i < n; i++) x[i] = range * ((float)next_random() / 2147483648.0f - 0.5f);
            if (below(3) == 0) x[below(n)] = below(2) ? -FLT_MAX : 1e30f;
            float *expected = place(1, 4 * n, at_start), *got = place(2, 4 * n, at_start);
            scalar.softmax_row(x, expected, n);
            tested.softmax_row(x, got, n);
            check_same(expected, got, 4 * n, at_start);
        }
}

static void check_saturation(void) {
    for (size_t pairs = 0; pairs <= 70; pairs++)
        for (int j = 0; j < 6; j++) {
            const size_t columns = QK_SATURATION_COLUMNS * between(1, 9);
            enter("count_saturations pairs=%zu columns=%zu", pairs, columns);
            const int at_start = below(4) == 0, extremes = below(3) == 0;
            uint8_t *a = place(0, 2 * pairs, at_start), *b = place(1, 2 * pairs * columns, at_start);
            fill_bytes(a, 2 * pairs), fill_bytes(b, 2 * pairs * columns);
            for (size_t i = 0; i < 2 * pairs && extremes; i++) a[i] = (uint8_t)(255 - below(2));
            for (size_t i = 0; i < 2 * pairs * columns && extremes; i++) b[i] = (uint8_t)(below(2) ? 64 + below(2) : -64 - below(2));
            if (scalar.count_saturations(a, (const int8_t *)b, pairs, columns) !=
                tested.count_saturations(a, (const int8_t *)b, pairs, columns))
                fail("differs from the scalar kernel");
        }
}

static void check_probe(void) {
    for (size_t blocks = 1; blocks <= 40; blocks++) {
        enter("probe_read bytes=%zu", 512 * blocks);
        uint8_t *data = place(0, 512 * blocks, 0);
        memset(data, 0, 512 * blocks);
        const uint64_t zeros = tested.probe_read(data, 512 * blocks);
        for (size_t at = 0; at < 512 * blocks; at += blocks < 8 ? 1 : between(1, 30)) {
            data[at] = (uint8_t)between(1, 255);
            if (tested.probe_read(data, 512 * blocks) == zeros) fail("the value does not depend on every byte");
            data[at] = 0;
        }
    }
    enter("probe_peak");
    const uint64_t once = tested.probe_peak(16);
    if (once == 0 || tested.probe_peak(32) != 2 * once) fail("the number of operations does not follow the iterations");
}
