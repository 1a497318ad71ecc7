"""What is compared: a module a suite, with FAMILIES, CASES besides the bench program's, and a class Comparison. That of ops
wants FORMULAS, and PEERS that are more than a formula."""
