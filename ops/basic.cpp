#include "ops/basic.h"
