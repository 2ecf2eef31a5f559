import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines, drawn


def einsum(equation: str, sizes: dict[str, int]) -> str:
    """A model of that one Einsum, `x` its first operand and `z` its second."""
    left, arrow, result = equation.partition("->")
    if not arrow:
        result = "".join(sorted(c for c in set(left) - {","} if left.count(c) == 1))

    def kind(term: str) -> str:
        return f"float[{','.join(str(sizes[c]) for c in term)}]" if term else "float"

    terms = left.split(",")
    inputs = ", ".join(f"{kind(term)} {name}" for term, name in zip(terms, "xz"))  # noqa: B905 - one or two terms
    return (
        f"""({inputs}) => ({kind(result)} y) {{ y = Einsum<equation="{equation}">({", ".join("xz"[: len(terms)])}) }}"""
    )


def draw(rng: np.random.Generator, operands: int) -> str:
    pool = rng.permutation(list("abcdef"))
    terms = ["".join(rng.permutation(pool[:5])[: rng.integers(1, 5)]) for _ in range(operands)]
    letters = rng.permutation(sorted(set("".join(terms))))
    kept = "".join(letters[rng.random(len(letters)) < 0.7])
    return ",".join(terms) + ("" if rng.random() < 0.2 else f"->{kept}")


@pytest.mark.parametrize("seed", range(60))
def test_changes(seed):
    rng = np.random.default_rng(seed)
    equation = draw(rng, operands=1 if seed % 5 == 0 else 2)
    sizes = {letter: int(rng.integers(1, 6)) for letter in "abcdef"}
    model = changes("einsum_by_matmul", einsum(equation, sizes), rng)
    assert "Einsum" not in ops(model)
    assert ops(model).count("MatMul") == equation.count(",")


@pytest.mark.parametrize(
    ("equation", "expected"),
    [
        ("bik,bkj->bij", ["MatMul"]),
        ("bik,bjk->bij", ["Transpose", "MatMul"]),
        ("bhid,bhjd->bhij", ["Reshape", "Transpose", "Reshape", "MatMul", "Reshape"]),
        ("bhij,bhjd->bihd", ["Reshape", "Reshape", "MatMul", "Reshape", "Transpose"]),
        ("bchw,cd->bdhw", ["Transpose", "Reshape", "MatMul", "Reshape", "Transpose"]),
        ("i,j->ij", ["Reshape", "Reshape", "MatMul"]),
        ("i, i ->", ["Reshape", "Reshape", "MatMul", "Reshape"]),
        ("ij,kl->il", ["ReduceSum", "ReduceSum", "Reshape", "Reshape", "MatMul"]),
        ("ij->ji", ["Transpose"]),
        ("ij->i", ["ReduceSum"]),
        ("ijk->ki", ["ReduceSum", "Transpose"]),
        ("ji", ["Transpose"]),
        ("ij->ij", ["Identity"]),
    ],
)
def test_the_common_ones(equation, expected, rng, opencv):
    sizes = {"b": 2, "h": 3, "c": 8, "d": 5, "i": 4, "j": 6, "k": 7, "l": 2, "w": 4}
    model = changes("einsum_by_matmul", einsum(equation.replace(" ", ""), sizes), rng)
    assert ops(model) == expected
    if not equation.endswith("->"):
        assert opencv(model, drawn(model, rng)) < 1e-5


@pytest.mark.parametrize("constant", ["x", "z"])
def test_a_constant_operand_is_arranged_beforehand(constant, rng):
    other = {"x": "z", "z": "x"}[constant]
    array = rng.standard_normal((4, 5) if constant == "x" else (6, 5)).astype(np.float32)
    shape = "6,5" if constant == "x" else "4,5"
    text = f"""(float[{shape}] {other}) => (float[4,6] y) {{ y = Einsum<equation="ik,jk->ij">(x, z) }}"""
    model = changes("einsum_by_matmul", text, rng, **{constant: array})
    assert ops(model) == (["Transpose", "MatMul"] if constant == "x" else ["MatMul"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(
            '(float[2,3] x) => (float[3,2] y) { y = Einsum<equation="...ij->...ji">(x) }',
            "the equation '...ij->...ji' has an ellipsis",
            id="ellipsis",
        ),
        pytest.param(
            '(float[3,3] x) => (float[3] y) { y = Einsum<equation="ii->i">(x) }',
            "the equation 'ii->i' repeats an index inside 'ii'",
            id="diagonal",
        ),
        pytest.param(
            '(float[2,3] x) => (float[2,3] y) { y = Einsum<equation="ij,ij,ij->ij">(x, x, x) }',
            "the equation has 3 operands; one or two were measured",
            id="three",
        ),
        pytest.param(
            '(float[2,3] x, float[1,3] z) => (float[2,3] y) { y = Einsum<equation="ij,ij->ij">(x, z) }',
            "index 'i' has the extents 2 and 1",
            id="stretched",
        ),
        pytest.param(
            '(double[2,3] x) => (double[3,2] y) { y = Einsum<equation="ij->ji">(x) }',
            "an operand is DOUBLE, only FLOAT was measured",
            id="double",
        ),
    ],
)
def test_declines(text, reason):
    assert declines("einsum_by_matmul", text) == reason
