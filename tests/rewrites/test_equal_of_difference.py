from tests.rewrites.comparisons import OfDifference


class TestEqual(OfDifference):
    rule, op = "equal_of_difference", "Equal"
