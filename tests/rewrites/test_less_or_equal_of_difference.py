from tests.rewrites.comparisons import OfDifference


class TestLessOrEqual(OfDifference):
    rule, op = "less_or_equal_of_difference", "LessOrEqual"
