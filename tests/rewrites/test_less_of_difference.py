from tests.rewrites.comparisons import OfDifference


class TestLess(OfDifference):
    rule, op = "less_of_difference", "Less"
