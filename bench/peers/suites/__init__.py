"""What is compared: a module a suite, with FORMULAS, OPTIMIZERS and FAMILIES."""
