export function transpose(matrix: number[][]): number[][] {
  const { columns } = sizeOf(matrix);
  return Array.from({ length: columns }, (_, column) => matrix.map((row) => row[column] ?? 0));
}

export function multiply(a: number[][], b: number[][]): number[][] {
  if (sizeOf(a).columns !== sizeOf(b).rows) throw new RangeError("the sizes do not fit together");
  const columns = transpose(b);
  return a.map((row) => columns.map((column) => row.reduce((sum, value, at) => sum + value * (column[at] ?? 0), 0)));
}

export function identity(size: number): number[][] {
  return Array.from({ length: size }, (_, row) => Array.from({ length: size }, (_, column) => (row === column ? 1 : 0)));
}

export function power(matrix: number[][], exponent: number): number[][] {
  const { rows, columns } = sizeOf(matrix);
  if (rows !== columns) throw new RangeError("the matrix is not square");
  if (!Number.isInteger(exponent) || exponent < 0) throw new RangeError("the exponent is not a whole number from 0 on");
  let result = identity(rows);
  for (let count = 0; count < exponent; count++) result = multiply(result, matrix);
  return result;
}

function sizeOf(matrix: number[][]): { rows: number; columns: number } {
  const columns = matrix[0]?.length ?? 0;
  if (columns === 0 || matrix.some((row) => row.length !== columns)) throw new RangeError("this is no matrix");
  return { rows: matrix.length, columns };
}
