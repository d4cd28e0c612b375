// What this machine does at best, each by itself: `limit.py` puts it together.
//
// Every function returns a rate or the seconds of one, by the thread's own time, the best of some
// runs. The vectors are the engine's, and so are the tile of a product and the elementary functions:
// what is asked is how fast a step could be that wastes nothing, not how fast another engine is.
#include <ctime>
#include <vector>

#include "activations.hpp"
#include "microkernel.hpp"

namespace {

using namespace chainrule;
using V = Vec<float>::type;
constexpr int w = Vec<float>::width, RUNS = 15;

double now() {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

template <class F>
double best(F&& f) {
    double least = 1e9;
    for (int run = 0; run < RUNS; ++run) {
        const double begun = now();
        f();
        least = std::min(least, now() - begun);
    }
    return least;
}

// What the compiler must compute, since it may be read.
template <class X>
void keep(X& x) {
    asm volatile("" : "+m"(x) : : "memory");
}

// Of f(v), applied to vectors that wait for nothing, or each for the one before.
template <int chains, class F>
double seconds_of(F&& f) {
    constexpr int count = 2'000;
    V v[chains];
    for (V& each : v) each = broadcast<float>(0.7f);
    const double seconds = best([&] {
        keep(v);
        V own[chains];
        std::copy_n(v, chains, own);
        for (int k = 0; k < count; ++k)
#pragma GCC unroll 24
            for (int c = 0; c < chains; ++c) own[c] = f(own[c]);
        std::copy_n(own, chains, v);
        keep(v);
    });
    return seconds / count / chains;
}

// Of a byte of an array that is gone through again and again.
template <class F>
double seconds_of_byte(long bytes, F&& f) {
    std::vector<float> numbers(static_cast<std::size_t>(bytes) / sizeof(float) + w, 1.0f);
    const long count = bytes / vector_bytes, times = 1 + 4'000'000 / bytes;
    const double seconds = best([&] {
        for (long time = 0; time < times; ++time) f(numbers.data(), count);
    });
    return seconds / static_cast<double>(count * times) / vector_bytes;
}

}  // namespace

#define EXPORTED extern "C" __attribute__((visibility("default")))

// Operations of a second: of sums in registers, and of the tile on numbers that are at hand.
EXPORTED double fma_rate() {
    const V a = broadcast<float>(0.5f);
    return 2 * w / seconds_of<24>([&](V v) { return multiply_add(v, a, a); });
}

EXPORTED double tile_rate() {
    constexpr int K = 256, columns = 2 * w;
    alignas(64) static float rows[most_rows][K], b[K * columns], c[most_rows * columns];
    const float* a[most_rows];
    for (int i = 0; i < most_rows; ++i) a[i] = rows[i];
    const double seconds = best([&] {
        for (int time = 0; time < 100; ++time)
            tile_of_rows<most_rows, 2>(a, 0, K, b, c, columns, Start<float>{nullptr, false}, Nearby{});
    });
    return 100 * 2.0 * most_rows * K * columns / seconds;
}

// Of a number: roots, tanh with its slope, exp, where many are under way.
EXPORTED double root() {
    return seconds_of<8>([](V v) { return sqrt(v); }) / w;
}
EXPORTED double tanh_and_slope() {
    return seconds_of<4>([](V v) {
        V a, slope;
        activate<Activation::tanh, float>(v, 1, a, slope);
        return a + slope;
    }) / w;
}
EXPORTED double exponential() {
    return seconds_of<4>([](V v) { return chainrule::exp(-v); }) / w;
}

// Of one after the other: a sum's next term, an exp, a root and a quotient, a store and its load.
EXPORTED double term_after_term() {
    const V a = broadcast<float>(0.5f);
    return seconds_of<1>([&](V v) { return multiply_add(v, a, a); });
}
EXPORTED double exp_after_exp() {
    return seconds_of<1>([](V v) { return chainrule::exp(-v); });
}
EXPORTED double quotient_after_root() {
    return seconds_of<1>([](V v) { return v / sqrt(v); });
}
EXPORTED double load_after_store() {
    return seconds_of<1>([](V v) {
        keep(v);
        return v;
    });
}

// Of a byte that is read, and of one that is read and of one that is written.
EXPORTED double reading(long bytes) {
    return seconds_of_byte(bytes, [](const float* p, long count) {
        V sums[4]{};
        for (long k = 0; k + 4 <= count; k += 4)
#pragma GCC unroll 4
            for (int u = 0; u < 4; ++u) sums[u] += load(p + (k + u) * w);
        keep(sums);
    });
}
EXPORTED double changing(long bytes) {
    return seconds_of_byte(bytes, [](float* p, long count) {
        for (long k = 0; k < count; ++k, p += w) store(p, load(p) + 1.0f);
        keep(*p);
    }) / 2;
}
