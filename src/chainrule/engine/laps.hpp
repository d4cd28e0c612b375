// How long a team works together, and how long its first thread works alone.
//
// Where other programs want the cores too, a team loses much: at each barrier all wait for a thread
// that does not run just then. So a run is made in laps, of some steps and about a millisecond. The
// team is timed lap by lap, and goes on while it is faster than its first thread was alone. If not,
// that thread goes on alone, for longer each time. No bit depends on who makes a step.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>

namespace chainrule {

class Laps {
    using clock = std::chrono::steady_clock;

public:
    // `work` is the number of operations of a step.
    Laps(int threads, double work)
        : steps_(1 + static_cast<std::int64_t>(lap / work)), alone_(threads == 1),
          fixed_(threads == 1 || work > 2 * lap), left_(fixed_ ? 0 : 1) {}

    bool together() const { return fixed_ ? !alone_ : left_ == 0; }

    // The steps of the lap that begins now.
    std::int64_t begin() {
        began_ = clock::now();
        return alone_ ? std::numeric_limits<std::int64_t>::max() / 2 : steps_;
    }

    // So many steps of a lap have been made: what the next lap will be follows.
    void end(std::int64_t steps) {
        if (fixed_ || steps == 0) return;
        const std::chrono::duration<double> took = clock::now() - began_;
        const double each = took.count() / static_cast<double>(steps);
        if (together()) judge(each);
        else time_alone(each);
    }

private:
    // Another thread that runs on the same core only ever makes a lap slower.
    void time_alone(double each) {
        best_ = fresh_ ? each : std::min(best_, each);
        fresh_ = false;
        --left_;
    }

    void judge(double each) {
        if (each < margin * best_) {
            if (++good_ % 16 == 0) rest_ = std::max(1, rest_ / 2);
            return;
        }
        good_ = 0;
        rest_ = std::min(most_alone, 4 * rest_);
        left_ = rest_;
        fresh_ = true;
    }

    static constexpr double lap = 1e8;
    static constexpr double margin = 1.15;  // the best of several laps is compared with one
    static constexpr int most_alone = 256;

    std::int64_t steps_;
    bool alone_, fixed_;
    int left_;             // laps to be made alone before the team is tried
    int rest_ = 1;         // how many there were the last time
    int good_ = 0;         // laps of the team in a row that were fast enough
    bool fresh_ = true;    // whether none has been timed since
    double best_ = 0;      // seconds for a step in the best of them
    clock::time_point began_;
};

}  // namespace chainrule
