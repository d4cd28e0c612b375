// Dropout's masks: the stream that layers/dropout.py describes, word for word.
//
// Input number k of the batch, counted row by row, stays where the k-th 32-bit word of the stream
// is at least 2³² · rate. The stream is Philox 4×64-10 with the key (seed, layer) and the counter
// (block + 1, 0, step, 0): Salmon and others (2011), Parallel random numbers: as easy as 1, 2, 3.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

namespace chainrule {

struct Dropout {
    double rate;
    std::uint64_t seed, layer;
};

using Words = std::array<std::uint64_t, 4>;

inline Words philox(Words counter, std::uint64_t key0, std::uint64_t key1) {
    for (int round = 0; round < 10; ++round) {
        const auto first = static_cast<unsigned __int128>(0xD2E7470EE14C6C93u) * counter[0];
        const auto second = static_cast<unsigned __int128>(0xCA5A826395121157u) * counter[2];
        counter = {static_cast<std::uint64_t>(second >> 64) ^ counter[1] ^ key0,
                   static_cast<std::uint64_t>(second),
                   static_cast<std::uint64_t>(first >> 64) ^ counter[3] ^ key1,
                   static_cast<std::uint64_t>(first)};
        key0 += 0x9E3779B97F4A7C15u;
        key1 += 0xBB67AE8584CAA73Bu;
    }
    return counter;
}

// Calls f(j, stays) for the inputs j = 0 … width − 1 of one row of the batch.
template <class F>
void for_each_mask(const Dropout& d, std::uint64_t step, std::uint64_t row, int width, F&& f) {
    const auto least = static_cast<std::uint64_t>(std::nearbyint(d.rate * 4294967296.0));
    std::uint64_t k = row * static_cast<std::uint64_t>(width);
    for (int j = 0; j < width;) {
        const Words words = philox({k / 8 + 1, 0, step, 0}, d.seed, d.layer);
        for (int at = static_cast<int>(k % 8); at < 8 && j < width; ++at, ++j, ++k)
            f(j, ((words[at / 2] >> (at % 2 ? 32 : 0)) & 0xffffffffu) >= least);
    }
}

}  // namespace chainrule
