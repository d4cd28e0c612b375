// Everything random, word for word as in streams.py: dropout's masks and the order of the examples.
//
// A stream is Philox 4×64-10: Salmon and others (2011), Parallel random numbers: as easy as 1, 2, 3.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <utility>

namespace chainrule {

// The 32-bit words of one block of a stream, and which stream that is.
struct Stream {
    std::uint64_t seed, number, use, step;

    std::array<std::uint32_t, 8> block(std::uint64_t index) const {
        std::array<std::uint64_t, 4> c{index + 1, use, step, 0};
        std::uint64_t key0 = seed, key1 = number;
        for (int round = 0; round < 10; ++round) {
            const auto first = static_cast<unsigned __int128>(0xD2E7470EE14C6C93u) * c[0];
            const auto second = static_cast<unsigned __int128>(0xCA5A826395121157u) * c[2];
            c = {static_cast<std::uint64_t>(second >> 64) ^ c[1] ^ key0,
                 static_cast<std::uint64_t>(second),
                 static_cast<std::uint64_t>(first >> 64) ^ c[3] ^ key1,
                 static_cast<std::uint64_t>(first)};
            key0 += 0x9E3779B97F4A7C15u;
            key1 += 0xBB67AE8584CAA73Bu;
        }
        std::array<std::uint32_t, 8> words;
        for (int k = 0; k < 8; ++k) words[k] = static_cast<std::uint32_t>(c[k / 2] >> (k % 2 * 32));
        return words;
    }
};

struct Dropout {
    double rate;
    std::uint64_t seed, layer;
};

// Calls f(j, stays) for the inputs j = 0 … width − 1 of one row of the batch: input number k of the
// batch, counted row by row, stays where the k-th word is at least 2³² · rate.
template <class F>
void for_each_mask(const Dropout& d, std::uint64_t step, std::uint64_t row, int width, F&& f) {
    const auto least = static_cast<std::uint64_t>(std::nearbyint(d.rate * 4294967296.0));
    const Stream stream{d.seed, d.layer, 0, step};
    std::uint64_t k = row * static_cast<std::uint64_t>(width);
    for (int j = 0; j < width;) {
        const auto words = stream.block(k / 8);
        for (auto at = k % 8; at < 8 && j < width; ++at, ++j, ++k) f(j, words[at] >= least);
    }
}

// The order of the examples in an epoch: Fisher and Yates' shuffle, from the last place down.
inline void shuffle(std::int64_t* order, std::int64_t n, std::uint64_t seed, std::uint64_t epoch) {
    constexpr int ahead = 8;  // blocks of words: their places are asked for before they are swapped
    std::iota(order, order + n, std::int64_t{0});
    const Stream stream{seed, 0, 1, epoch};
    std::array<std::int64_t, 8 * ahead> other;
    std::uint64_t index = 0;
    for (std::int64_t last = n - 1; last > 0;) {
        const auto count = static_cast<int>(std::min<std::int64_t>(8 * ahead, last));
        for (int k = 0; k < count; k += 8, ++index) {
            const auto words = stream.block(index);
            for (int u = 0; u < std::min(8, count - k); ++u) {
                const auto places = static_cast<std::uint64_t>(last - k - u + 1);
                other[k + u] = static_cast<std::int64_t>(words[u] * places >> 32);
                __builtin_prefetch(order + other[k + u], 1);
            }
        }
        for (int k = 0; k < count; ++k, --last) std::swap(order[last], order[other[k]]);
    }
}

}  // namespace chainrule
