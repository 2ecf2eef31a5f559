from tests.rewrites.comparisons import OfDifference


class TestGreaterOrEqual(OfDifference):
    rule, op = "greater_or_equal_of_difference", "GreaterOrEqual"
