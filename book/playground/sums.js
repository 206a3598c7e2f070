// The sum that all networks are made of. Four rows at a time: numbers are read and
// written a quarter as often, and rows whose factor is 0, as after ReLU, cost nothing.
const LARGEST = 8192; // rows of a matrix
const factors = new Float64Array(LARGEST);
const starts = new Int32Array(LARGEST);

/**
 * y[at + i] += sum over n of x[from + n * step] * matrix[n * size + i], for i below `size`
 * and n below `count`; the matrix begins at `base`.
 */
export function addProduct(y, at, size, x, from, step, count, matrix, base = 0) {
  let used = 0;
  for (let n = 0; n < count; n++) {
    const factor = x[from + n * step];
    if (factor !== 0) {
      factors[used] = factor;
      starts[used++] = base + n * size;
    }
  }
  let k = 0;
  for (; k + 3 < used; k += 4) {
    const [a, b, c, d] = [factors[k], factors[k + 1], factors[k + 2], factors[k + 3]];
    const [p, q, r, s] = [starts[k], starts[k + 1], starts[k + 2], starts[k + 3]];
    for (let i = 0; i < size; i++) {
      y[at + i] += a * matrix[p + i] + b * matrix[q + i] + c * matrix[r + i] + d * matrix[s + i];
    }
  }
  for (; k < used; k++) {
    const [a, p] = [factors[k], starts[k]];
    for (let i = 0; i < size; i++) y[at + i] += a * matrix[p + i];
  }
}
