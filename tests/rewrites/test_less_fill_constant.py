from tests.rewrites.comparisons import FillConstant


class TestLess(FillConstant):
    rule, op = "less_fill_constant", "Less"
