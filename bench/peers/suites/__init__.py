"""What is compared: a module a suite, with FORMULAS of ops, PEERS that are more than a formula, and FAMILIES."""
