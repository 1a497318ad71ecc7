#pragma once

// Programs are built for the oldest processor they run on. A function marked LV_CLONED is compiled for newer ones, too,
// and chosen when the program starts; the files that use it are compiled without contraction into fused multiply-add,
// so that every clone gives the same bits. Sanitizers cannot run in the code that chooses, which is why they get one
// version.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define LV_CLONED [[gnu::target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")]]
#else
#define LV_CLONED
#endif
