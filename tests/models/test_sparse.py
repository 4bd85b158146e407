"""The sparse products against dense torch and SciPy."""

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.sparse import csr_array

from segue.models.sparse import SparseMatrix


def from_dense(dense: np.ndarray, rng: np.random.Generator) -> SparseMatrix:
    """The non-zeros of a dense matrix, in a random order within each row as in a playlist."""
    columns = [rng.permutation(np.flatnonzero(row)) for row in dense]
    offsets = np.cumsum([0, *map(len, columns)], dtype=np.int64)
    column = np.concatenate([np.empty(0, dtype=int), *columns]).astype(np.int32)
    row = np.repeat(np.arange(len(dense)), np.diff(offsets))
    return SparseMatrix.from_csr(offsets, column, dense[row, column], dense.shape[1])


def to_dense(matrix: SparseMatrix, *, transposed: bool = False) -> np.ndarray:
    if transposed:
        offsets, column = matrix.transposed_offsets, matrix.transposed_column
        value, shape = matrix.transposed_value, matrix.shape[::-1]
    else:
        offsets, column, value = matrix.offsets, matrix.column, matrix.value
        shape = matrix.shape
    return csr_array((value.numpy(), column.numpy(), offsets.numpy()), shape=shape).toarray()


# Small whole numbers: every sum is exact in float32, whatever its order.
@st.composite
def matrices(draw: st.DrawFn) -> np.ndarray:
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=7))
    return draw(hnp.arrays(np.float32, shape, elements=st.sampled_from([0, 0, 0, 1, -2, 3])))


@given(matrices(), st.integers(1, 20), st.integers(0, 99))
@example(np.zeros((3, 4), dtype=np.float32), 2, 0)  # no entries
@example(np.array([[0, 0], [0, 1]], dtype=np.float32), 2, 0)  # first row and column empty
@example(np.array([[1, 0], [0, 0]], dtype=np.float32), 2, 0)  # last row and column empty
def test_products_and_gradients_are_those_of_the_dense_matrix(
    dense: np.ndarray, dim: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    matrix, reference = from_dense(dense, rng), torch.from_numpy(dense)
    for product, reference_product, length in (
        (matrix.__matmul__, reference.__matmul__, dense.shape[1]),
        (matrix.transposed_matmul, reference.T.__matmul__, dense.shape[0]),
    ):
        values = rng.integers(-4, 5, (length, dim)).astype(np.float32)
        x = torch.tensor(values, requires_grad=True)
        y = torch.tensor(values, requires_grad=True)
        result, expected = product(x), reference_product(y)
        torch.testing.assert_close(result, expected, rtol=0, atol=0)
        grad = torch.from_numpy(rng.integers(-4, 5, result.shape).astype(np.float32))
        result.backward(grad)
        expected.backward(grad)
        torch.testing.assert_close(x.grad, y.grad, rtol=0, atol=0)


@given(matrices(), st.integers(0, 99))
def test_both_directions_hold_the_same_matrix(dense: np.ndarray, seed: int) -> None:
    matrix = from_dense(dense, np.random.default_rng(seed))
    assert matrix.shape == dense.shape
    np.testing.assert_array_equal(to_dense(matrix), dense)
    np.testing.assert_array_equal(to_dense(matrix, transposed=True), dense.T)
    np.testing.assert_array_equal(
        matrix.transposed_value[matrix.transposed_place].numpy(), matrix.value.numpy()
    )
    for indices in (matrix.offsets, matrix.column, matrix.transposed_offsets):
        assert indices.dtype == torch.int32
    assert matrix.transposed_column.dtype == torch.int32


@given(matrices(), st.data())
def test_without_is_the_matrix_rebuilt_without_those_entries(
    dense: np.ndarray, data: st.DataObject
) -> None:
    matrix = from_dense(dense, np.random.default_rng(0))
    value, transposed_value = matrix.value.clone(), matrix.transposed_value.clone()
    nnz = len(matrix.value)
    entries = data.draw(
        st.lists(st.integers(0, nnz - 1), unique=True) if nnz else st.just([]), label="entries"
    )
    hidden = matrix.without(torch.tensor(entries, dtype=torch.int64))

    remaining = dense.copy()
    row = np.repeat(np.arange(len(dense)), np.diff(matrix.offsets.numpy()))
    remaining[row[entries], matrix.column.numpy()[entries]] = 0
    np.testing.assert_array_equal(to_dense(hidden), remaining)
    np.testing.assert_array_equal(to_dense(hidden, transposed=True), remaining.T)
    rebuilt = from_dense(remaining, np.random.default_rng(1))
    x = torch.arange(dense.shape[1] * 2, dtype=torch.float32).reshape(-1, 2)
    torch.testing.assert_close(hidden @ x, rebuilt @ x, rtol=0, atol=0)
    # The structure is shared, the original as it was.
    for name in ("offsets", "column", "transposed_offsets", "transposed_column"):
        assert getattr(hidden, name) is getattr(matrix, name)
    torch.testing.assert_close(matrix.value, value, rtol=0, atol=0)
    torch.testing.assert_close(matrix.transposed_value, transposed_value, rtol=0, atol=0)


@given(matrices(), st.integers(0, 99))
def test_transpose(dense: np.ndarray, seed: int) -> None:
    matrix = from_dense(dense, np.random.default_rng(seed))
    transposed = matrix.transpose()
    np.testing.assert_array_equal(to_dense(transposed), dense.T)
    np.testing.assert_array_equal(to_dense(transposed, transposed=True), dense)
    for found, wanted in zip(
        vars(transposed.transpose()).values(), vars(matrix).values(), strict=True
    ):
        assert torch.equal(found, wanted) if isinstance(wanted, torch.Tensor) else found == wanted
    other = transposed.with_value(torch.arange(1.0, len(matrix.value) + 1))
    np.testing.assert_array_equal(to_dense(other), to_dense(other, transposed=True).T)


@given(matrices(), st.integers(0, 99), st.data())
def test_row_means_are_over_entries_that_are_not_hidden(
    dense: np.ndarray, seed: int, data: st.DataObject
) -> None:
    matrix = from_dense(dense, np.random.default_rng(seed))
    entries = data.draw(st.sets(st.integers(0, max(0, len(matrix.value) - 1))))
    if len(matrix.value):
        matrix = matrix.without(torch.tensor(sorted(entries), dtype=torch.int64))
    seen = to_dense(matrix) != 0
    expected = seen / np.maximum(seen.sum(axis=1, keepdims=True), 1)
    np.testing.assert_allclose(to_dense(matrix.row_means()), expected, rtol=1e-6)
    np.testing.assert_allclose(to_dense(matrix.row_means(), transposed=True), expected.T, rtol=1e-6)


def test_hiding_twice_hides_both() -> None:
    dense = np.array([[1, 2, 0], [0, 3, 4]], dtype=np.float32)
    matrix = from_dense(dense, np.random.default_rng(0))
    twice = matrix.without(torch.tensor([0])).without(torch.tensor([3]))
    once = matrix.without(torch.tensor([0, 3]))
    np.testing.assert_array_equal(to_dense(twice), to_dense(once))


def test_gradcheck_in_float64() -> None:
    rng = np.random.default_rng(0)
    dense = rng.standard_normal((5, 4)) * (rng.random((5, 4)) < 0.5)
    matrix = from_dense(dense, rng)
    assert matrix.value.dtype == torch.float64
    x = torch.tensor(rng.standard_normal((4, 3)), requires_grad=True)
    y = torch.tensor(rng.standard_normal((5, 3)), requires_grad=True)
    assert torch.autograd.gradcheck(matrix.__matmul__, (x,))
    assert torch.autograd.gradcheck(matrix.transposed_matmul, (y,))


def test_dense_operands_and_gradients_need_not_be_contiguous() -> None:
    rng = np.random.default_rng(0)
    dense = rng.integers(0, 3, (5, 4)).astype(np.float32)
    matrix = from_dense(dense, rng)
    x = torch.arange(12, dtype=torch.float32).reshape(3, 4).T
    torch.testing.assert_close(matrix @ x, torch.from_numpy(dense) @ x, rtol=0, atol=0)
    leaf = x.clone().requires_grad_()
    (matrix @ leaf).sum().backward()  # the gradient of a sum is expanded, with strides 0
    expected = torch.from_numpy(dense).T @ torch.ones(5, 3)
    torch.testing.assert_close(leaf.grad, expected, rtol=0, atol=0)


def test_result_does_not_depend_on_the_number_of_threads() -> None:
    rng = np.random.default_rng(0)
    dense = rng.standard_normal((200, 300)).astype(np.float32)
    matrix = from_dense(dense * (rng.random(dense.shape) < 0.2), rng)
    x = torch.from_numpy(rng.standard_normal((300, 16)).astype(np.float32))
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = matrix @ x
        torch.set_num_threads(2)
        two = matrix @ x
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(one, two)


def test_mapped_read_only_arrays_are_copied(recwarn: pytest.WarningsRecorder) -> None:
    offsets = np.array([0, 2, 3])
    column = np.array([1, 0, 1], dtype=np.int32)
    value = np.ones(3, dtype=np.float32)
    for array in (offsets, column, value):
        array.flags.writeable = False
    matrix = SparseMatrix.from_csr(offsets, column, value, 2)
    matrix.value[0] = 5
    assert value[0] == 1
    assert not recwarn.list


def test_times_multiplies_both_directions() -> None:
    dense = np.array([[0, 2, 0], [1, 0, 3]], dtype=np.float32)
    twice = from_dense(dense, np.random.default_rng(0)).times(2.0)
    np.testing.assert_array_equal(to_dense(twice), 2 * dense)
    np.testing.assert_array_equal(to_dense(twice, transposed=True), 2 * dense.T)
