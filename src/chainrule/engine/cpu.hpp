// What the processor at hand is: its maker, and which instruction set it supports with its operating
// system.
#pragma once

#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace chainrule {

#if defined(__x86_64__)

// Whether every bit of `mask` is set in `word`.
inline bool has(unsigned word, unsigned mask) { return (word & mask) == mask; }

// The state of registers that the operating system saves when it switches threads (XCR0).
inline unsigned saved_registers() {
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

inline bool is_of_intel() {
    unsigned a, b, c, d;
    return __get_cpuid(0, &a, &b, &c, &d) && b == signature_INTEL_ebx;
}

// "v4", "v3" or "v2": the highest level of x86-64 that can be used. Each holds those below it.
// Asked of the processor itself, because compilers differ in the names that
// __builtin_cpu_supports knows.
inline const char* best_isa() {
    unsigned a, b, c, d;
    unsigned basic_c = 0, extended_b = 0, amd_c = 0;
    if (__get_cpuid(1, &a, &b, &c, &d)) basic_c = c;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) extended_b = b;
    if (__get_cpuid(0x80000001, &a, &b, &c, &d)) amd_c = c;

    const unsigned fma = 1u << 12, movbe = 1u << 22, osxsave = 1u << 27, avx = 1u << 28,
                   f16c = 1u << 29;
    const unsigned bmi1 = 1u << 3, avx2 = 1u << 5, bmi2 = 1u << 8, avx512f = 1u << 16,
                   avx512dq = 1u << 17, avx512cd = 1u << 28, avx512bw = 1u << 30,
                   avx512vl = 1u << 31;
    const unsigned lzcnt = 1u << 5;
    const unsigned xmm_ymm = 0x06, opmask_zmm = 0xe0;

    if (!has(basic_c, fma | movbe | osxsave | avx | f16c) ||
        !has(extended_b, bmi1 | avx2 | bmi2) || !has(amd_c, lzcnt) ||
        !has(saved_registers(), xmm_ymm)) {
        return "v2";
    }
    if (!has(extended_b, avx512f | avx512dq | avx512cd | avx512bw | avx512vl) ||
        !has(saved_registers(), opmask_zmm)) {
        return "v3";
    }
    return "v4";
}

// What the processor lacks of products in bfloat16 that are faster than those in float32, or "".
inline const char* lacks_for_bfloat16() {
    unsigned a, b, c, d;
    const unsigned avx512_bf16 = 1u << 5;
    if (std::strcmp(best_isa(), "v4") != 0 || !__get_cpuid_count(7, 1, &a, &b, &c, &d) ||
        !has(a, avx512_bf16))
        return "it lacks AVX512_BF16";
    // Those of Intel multiply in bfloat16 at half the rate of float32; their AMX is not used.
    return is_of_intel() ? "its vdpbf16ps is slower than float32" : "";
}

#else

inline const char* lacks_for_bfloat16() { return "it lacks AVX512_BF16"; }
inline bool is_of_intel() { return false; }

// Elsewhere there is one module, built for what every processor of the kind supports.
inline const char* best_isa() { return CHAINRULE_ISA; }

#endif

}  // namespace chainrule
