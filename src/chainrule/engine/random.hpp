// Everything random, word for word as in streams.py: dropout's masks and the order of the examples.
//
// A stream is Philox 4×32-10: Salmon and others (2011), Parallel random numbers: as easy as 1, 2, 3.
// Its words come in groups of 64, made by 16 blocks side by side: the first word of each, then the
// second of each, and so on.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>

#include "simd.hpp"

namespace chainrule {

class Stream {
    typedef std::uint64_t Lanes __attribute__((vector_size(CHAINRULE_VECTOR_BYTES)));

    // The lower half of each lane times m.
    CHAINRULE_INLINE static Lanes multiply_low(Lanes v, std::uint32_t m) {
#if CHAINRULE_X86 && CHAINRULE_VECTOR_BYTES == 64
        return (Lanes)_mm512_maskz_mul_epu32(0xff, (__m512i)v, (__m512i)(Lanes{} + m));
#elif CHAINRULE_X86 && CHAINRULE_VECTOR_BYTES == 32
        return (Lanes)_mm256_mul_epu32((__m256i)v, (__m256i)(Lanes{} + m));
#elif CHAINRULE_X86
        return (Lanes)_mm_mul_epu32((__m128i)v, (__m128i)(Lanes{} + m));
#else
        return (v & 0xffffffffu) * m;
#endif
    }

public:
    static constexpr int group_size = 64;

    Stream(std::uint64_t seed, std::uint32_t number, std::uint64_t step)
        : seed_(seed), number_(number), step_(step) {}

    // The words from number k on, up to the end of their group.
    const std::uint32_t* from(std::uint64_t k) {
        if (k / group_size != group_) make(group_ = k / group_size);
        return words_ + k % group_size;
    }

private:
    // Each word lies in the lower half of a lane; what stands above it does not matter.
    void make(std::uint64_t group) {
        constexpr int blocks = 16, lanes = vector_bytes / 8;
        for (int first = 0; first < blocks; first += lanes) {
            Lanes a{}, b = Lanes{} + number_, c = Lanes{} + step_, d = Lanes{} + (step_ >> 32);
            for (int k = 0; k < lanes; ++k) a[k] = group * blocks + static_cast<unsigned>(first + k);
            std::uint64_t key0 = seed_, key1 = seed_ >> 32;
            for (int round = 0; round < 10; ++round, key0 += 0x9E3779B9u, key1 += 0xBB67AE85u) {
                const Lanes p = multiply_low(a, 0xD2511F53u), q = multiply_low(c, 0xCD9E8D57u);
                a = (q >> 32) ^ b ^ key0;
                c = (p >> 32) ^ d ^ key1;
                b = q;
                d = p;
            }
            const Lanes made[]{a, b, c, d};
            for (int w = 0; w < 4; ++w)
                for (int k = 0; k < lanes; ++k)
                    words_[w * blocks + first + k] = static_cast<std::uint32_t>(made[w][k]);
        }
    }

    std::uint64_t seed_;
    std::uint32_t number_;
    std::uint64_t step_;
    std::uint64_t group_ = ~std::uint64_t{0};
    alignas(64) std::uint32_t words_[group_size];
};

struct Dropout {
    double rate;
    std::uint64_t seed;
    std::uint32_t number;
};

// Silence rows r0 to r1 of one array or two: input number k of the batch, counted row by row, stays
// where the k-th word is at least 2³² · rate. Row r0 is row `place` of the batch, and row(a, r) is
// where row r of array a begins.
template <class T, class Row>
void silence(const Dropout& d, std::uint64_t step, std::int64_t place, int r0, int r1, int width,
             int arrays, Row&& row) {
    const double bound = std::nearbyint(d.rate * 4294967296.0);
    const bool all = bound > 4294967295.0;  // are silenced: no word is so large
    const auto least = all ? 0u : static_cast<std::uint32_t>(bound);
    const T kept = all ? T{0} : T(1 / (1 - d.rate));
    Stream stream(d.seed, d.number, step);
    auto k = static_cast<std::uint64_t>(place) * static_cast<std::uint64_t>(width);
    for (int r = r0; r < r1; ++r)
        for (int j = 0, count; j < width; j += count, k += static_cast<std::uint64_t>(count)) {
            count = std::min(width - j, Stream::group_size - static_cast<int>(k % Stream::group_size));
            const std::uint32_t* words = stream.from(k);
            for (int a = 0; a < arrays; ++a) {
                T* p = row(a, r) + j;
                for (int u = 0; u < count; ++u) p[u] *= words[u] >= least ? kept : T{0};
            }
        }
}

// The numbers of n examples in their order, without those that are left out, which come in order too.
inline void fill_in_order(std::int64_t* to, std::int64_t n, std::span<const std::int64_t> left_out) {
    std::int64_t from = 0;
    for (const std::int64_t row : left_out) {
        std::iota(to, to + (row - from), from);
        to += row - from;
        from = row + 1;
    }
    std::iota(to, to + (n - from), from);
}

// The step of the stream that orders the examples of a shard in an epoch.
inline std::uint64_t of_shard(int shard, std::uint64_t epoch) {
    return (static_cast<std::uint64_t>(shard) << 48) + epoch;
}

// The order of the examples in an epoch: Fisher and Yates' shuffle, from the last place down.
inline void shuffle(std::int64_t* order, std::int64_t n, std::uint64_t seed, std::uint32_t number,
                    std::uint64_t epoch) {
    Stream stream(seed, number, epoch);
    std::int64_t other[Stream::group_size];
    std::uint64_t k = 0;
    for (std::int64_t last = n - 1; last > 0;) {
        const auto count = static_cast<int>(std::min<std::int64_t>(Stream::group_size, last));
        const std::uint32_t* words = stream.from(k);
        for (int u = 0; u < count; ++u) {  // the places are asked for before they are swapped
            const auto places = static_cast<std::uint64_t>(last - u + 1);
            other[u] = static_cast<std::int64_t>(words[u] * places >> 32);
            __builtin_prefetch(order + other[u], 1);
        }
        for (int u = 0; u < count; ++u, --last) std::swap(order[last], order[other[u]]);
        k += Stream::group_size;
    }
}

}  // namespace chainrule
