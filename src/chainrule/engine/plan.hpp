// What a run is asked to make, and what it has come to.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace chainrule {

// Epochs over the same examples, in an order of its own for each, or as they stand. `rates` holds the
// learning rate of each step from first_step + 1 on, or one for all.
struct Plan {
    bool shuffles;
    std::uint64_t seed;
    std::uint32_t number;  // of the stream that orders the examples
    std::int64_t first_epoch, epochs, batch, first_step;
    double mean_weight;  // of all examples; 0 where the cost is their sum, not their mean
    const double* rates;
    bool one_rate;
    double seconds;  // after which the run ends with the epoch it is in
    std::int64_t most_steps = std::numeric_limits<std::int64_t>::max();
    bool looks = false;  // X may hold what is not finite: then the first epoch ends there, as diverged
    std::span<const std::int64_t> left_out{};  // the examples, in their order, that no step takes

    bool orders() const { return shuffles || !left_out.empty(); }
};

enum class Outcome { done, diverged, interrupted };

struct Report {
    Outcome outcome = Outcome::done;
    std::int64_t steps = 0;      // whole steps made
    std::vector<double> costs;   // of the whole epochs made; in shards, the penalty's part of them
    std::vector<double> losses;  // in shards: Σ w L of each epoch and, within it, each subtree here
};

}  // namespace chainrule
