from tests.rewrites.comparisons import FillConstant


class TestEqual(FillConstant):
    rule, op = "equal_fill_constant", "Equal"
