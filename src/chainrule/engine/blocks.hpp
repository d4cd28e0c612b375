// Blocks: how a large batch of a small network is gone through, all of a step but the update.
//
//   block   some rows, which pass forward and back and leave their gradient while the cache holds all
//           that they have made, in room that the next block takes again
//   part    some blocks in a row, whose gradients are added as they come
//
// The gradients of the parts are then added in their order. Where a block or a part ends follows from
// the number of rows alone, and so no bit depends on how parts are shared out among threads.
#pragma once

#include <algorithm>
#include <cstdint>

#include "team.hpp"

namespace chainrule {

struct Blocks {
    static constexpr int most_rows_each = 192, most_parts = 64;
    static constexpr int fewest = 16;  // which share out well among threads

    int n;

    // Whether a batch of n rows is gone through so, where all tensors have so many numbers: a small one
    // stays in the cache anyway, and each part has a gradient of its own.
    static constexpr int fewest_rows = 1024, most_numbers = 65536;
    static bool suit(std::int64_t n, std::int64_t numbers) {
        return n >= fewest_rows && numbers <= most_numbers;
    }

    int count() const { return std::max(fewest, (n + most_rows_each - 1) / most_rows_each); }
    int parts() const { return std::min(count(), most_parts); }

    Part blocks_of(int part) const { return part_of(count(), part, parts()); }
    Part rows_of(int block) const { return part_of(n, block, count()); }
};

}  // namespace chainrule
