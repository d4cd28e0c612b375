// How much is inlined: all that is hot, or where the code is to be small, little.
#pragma once

#include <type_traits>

// Whether the code is to be small, as in a page, which has one thread and whole rows only. No bit
// depends on it.
#ifndef CHAINRULE_SMALL
#define CHAINRULE_SMALL 0
#endif

// Vectors must stay in registers: every function of one is inlined.
#define CHAINRULE_INLINE [[gnu::always_inline]] inline

// Of a lambda: elsewhere the compiler inlines those that are worth it, and small code would make a closure in
// memory, with a pointer to each thing that it refers to.
#if CHAINRULE_SMALL
#define CHAINRULE_INLINE_IF_SMALL __attribute__((always_inline))
#else
#define CHAINRULE_INLINE_IF_SMALL
#endif

namespace chainrule {

inline constexpr bool small_code = CHAINRULE_SMALL;

// A condition that is fixed when the code is compiled, and that code which is to be small asks anyway.
template <bool value>
inline constexpr auto fixed = [] {
    if constexpr (small_code) return value;
    else return std::bool_constant<value>{};
}();

}  // namespace chainrule
