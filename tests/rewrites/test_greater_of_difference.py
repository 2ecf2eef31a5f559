from tests.rewrites.comparisons import OfDifference


class TestGreater(OfDifference):
    rule, op = "greater_of_difference", "Greater"
