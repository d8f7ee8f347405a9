/* Repetition of a statement for each row of a tile of MR rows: EACH_ROW(X) is X(0) X(1) ... X(MR - 1).
 * Tiles name their accumulators one by one, because GCC 12 keeps an array of them in memory. */
#ifndef QK_GEMM_ROWS_H
#define QK_GEMM_ROWS_H

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define ROWS_1(X) X(0)
#define ROWS_2(X) ROWS_1(X) X(1)
#define ROWS_3(X) ROWS_2(X) X(2)
#define ROWS_4(X) ROWS_3(X) X(3)
#define ROWS_5(X) ROWS_4(X) X(4)
#define ROWS_6(X) ROWS_5(X) X(5)
#define ROWS_7(X) ROWS_6(X) X(6)
#define ROWS_8(X) ROWS_7(X) X(7)
#define ROWS_9(X) ROWS_8(X) X(8)
#define ROWS_10(X) ROWS_9(X) X(9)
#define ROWS_11(X) ROWS_10(X) X(10)
#define ROWS_12(X) ROWS_11(X) X(11)
#define ROWS_13(X) ROWS_12(X) X(12)
#define ROWS_14(X) ROWS_13(X) X(13)
#define EACH_ROW(X) JOIN(ROWS_, MR)(X)

#endif
