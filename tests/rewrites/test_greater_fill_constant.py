from tests.rewrites.comparisons import FillConstant


class TestGreater(FillConstant):
    rule, op = "greater_fill_constant", "Greater"
