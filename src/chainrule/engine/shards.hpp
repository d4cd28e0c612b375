// Shards: parts of the examples whose sums are taken each by itself, and then added in pairs.
//
//   M      how many shards all examples make, a power of two
//   K      the steps of an epoch
//   held   the shards of this process, a row of them, as the largest subtrees that they make up
//
// What is summed over a batch is the sum of its rows in each shard, and these are added in a binary
// tree, (0 + 1) + (2 + 3), …: so no bit depends on how many processes share the shards. Each adds up
// the subtrees that it holds; the rest of the tree is added up between processes, at the seam.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "simd.hpp"

namespace chainrule {

struct Subtree {
    int first, count;  // shards; the count is a power of two that divides the first
};

struct Shards {
    std::vector<std::int64_t> sizes;  // examples in training, of each of all
    std::vector<Subtree> held;
    std::int64_t steps;  // K

    bool any() const { return !sizes.empty(); }
    int first() const { return held.empty() ? 0 : held.front().first; }
    int last() const { return held.empty() ? 0 : held.back().first + held.back().count; }
    int count() const { return last() - first(); }
    int trees() const { return std::max<int>(1, static_cast<int>(held.size())); }  // rows of sums

    // How many sums of a tree wait at most to be added to others.
    int depth() const {
        int most = 1;
        for (const Subtree& tree : held) most = std::max<int>(most, std::bit_width(unsigned(tree.count)));
        return most;
    }

    // The examples of shard s that come before step k of an epoch: ⌊k n / K + s / M⌋ of its n. Where
    // all shards have as many, batches have so too, to one.
    std::int64_t before(int s, std::int64_t k) const {
        const auto M = static_cast<std::int64_t>(sizes.size());
        return (k * sizes[s] * M + s * steps) / (steps * M);
    }
    std::int64_t share(int s, std::int64_t k) const { return before(s, k + 1) - before(s, k); }

    std::int64_t here() const {
        std::int64_t sum = 0;
        for (int s = first(); s < last(); ++s) sum += sizes[s];
        return sum;
    }

    // From the examples here, shard by shard, to the same batch by batch.
    void deal(const std::int64_t* from, std::int64_t* to) const {
        for (std::int64_t k = 0; k < steps; ++k) {
            const std::int64_t* own = from;
            for (int s = first(); s < last(); own += sizes[s++])
                to = std::copy_n(own + before(s, k), share(s, k), to);
        }
    }
};

inline constexpr int most_shards = 4096;
inline constexpr int most_depth = std::bit_width(unsigned(most_shards));

// Calls leaf(k, level) for each of so many sums, a power of two of them, and merge(level) where the
// one that stands at level + 1 is to be added to the one at `level`. The total ends at level 0.
template <class Leaf, class Merge>
CHAINRULE_INLINE void in_tree(int count, Leaf&& leaf, Merge&& merge) {
    for (unsigned k = 0; k < static_cast<unsigned>(count); ++k) {
        int level = std::popcount(k);
        leaf(static_cast<int>(k), level);
        for (unsigned rest = k; rest & 1; rest >>= 1) merge(--level);
    }
}

// How a batch falls into the shards of this process.
struct Cut {
    const Shards* shards;
    std::vector<int> begins{};           // the first row here of each shard, and the end
    std::int64_t before = 0, whole = 0;  // rows of the batch in shards before these, and in all

    // That of step k of an epoch.
    void go_to(std::int64_t k) {
        before = whole = 0;
        begins.assign(1, 0);
        for (int s = 0; s < static_cast<int>(shards->sizes.size()); ++s) {
            const std::int64_t share = shards->share(s, k);
            whole += share;
            if (s < shards->first()) before += share;
            else if (s < shards->last()) begins.push_back(begins.back() + static_cast<int>(share));
        }
    }

    int rows() const { return begins.back(); }
    std::int64_t after() const { return whole - before - rows(); }

    // For each subtree: leaf(j, first row, last row, level) for each of its shards, merge(j, level) as
    // above, and done(j).
    template <class Leaf, class Merge, class Done>
    CHAINRULE_INLINE void in_trees(Leaf&& leaf, Merge&& merge, Done&& done) const {
        const int* begin = begins.data();
        for (int j = 0; j < static_cast<int>(shards->held.size()); ++j) {
            const int count = shards->held[j].count;
            in_tree(count, [&](int k, int level) { leaf(j, begin[k], begin[k + 1], level); },
                    [&](int level) { merge(j, level); });
            begin += count;
            done(j);
        }
    }
};

}  // namespace chainrule
