#include "tests/specs/harness.h"

int main() { return lv::specs::run_all_checks(); }
