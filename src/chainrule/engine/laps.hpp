// How many threads make the next steps of a run: as many as pay just now.
//
//   level    a number of threads: 1, 2, 4, …, and the most there may be
//   lap      some steps, about half a millisecond, made by the threads of one level
//   credit   the seconds by which a level may yet turn out slower than the one below
//
// Where other programs want the cores too, a team loses much: at each barrier all wait for a thread
// that does not run just then. So laps are timed, and what a level gains or loses beside the one below
// is entered in its credit. With none left it is given up, until a small part of the time that passes
// below has made up for the loss: no more than that part is ever lost by trying.
//
// Here is no clock: who makes a lap says how long it took. No bit depends on who makes a step.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

namespace chainrule {

// For tests: every level makes laps in turn, and teams whatever they can, whether that pays or not.
inline std::atomic<bool> all_in_turn{false};

class Laps {
public:
    static constexpr double part = 0.01, most_debt = 0.01;  // seconds: no single stop counts for more

    // `work` is the number of operations of a step. Long steps begin with all threads: by waiting some
    // milliseconds for a core they lose little.
    Laps(int threads, double work)
        : steps_(1 + static_cast<std::int64_t>(operations / work)) {
        for (int n = 1; n < threads; n *= 2) levels_.push_back({n});
        levels_.push_back({threads});
        if (work > 4 * operations) now_ = highest();
    }

    // A run begins: no more threads than one before so many seconds have passed, unless steps are long.
    void rest(double seconds) {
        turn_ = 0;
        if (now_ > 0) return;
        for (Level& level : levels_) level.credit = std::min(level.credit, -seconds * part);
    }

    // The threads of the lap that begins, of no more than so many.
    int begin(int most) {
        most_ = most;
        if (all_in_turn) return std::min(most, levels_[highest() - turn_++ % levels_.size()].threads);
        while (now_ > 0 && levels_[now_].threads > most) move(-1);
        return levels_[now_].threads;
    }

    // Whether it ends after so many steps, which several threads have made in seconds().
    template <class F>
    bool ends(std::int64_t steps, F&& seconds) const {
        if (levels_.size() == 1) return false;
        if (all_in_turn) return steps > turn_ % 3;
        return steps >= steps_ ||
               (now_ > 0 && lost(steps, seconds()) > patience + levels_[now_].credit);
    }

    // It has taken so many seconds: what the next will be follows. Returns the seconds by which a level
    // has lost more than its credit, as far as they count.
    double end(std::int64_t steps, double seconds) {
        if (levels_.size() == 1 || steps == 0 || all_in_turn) return 0;
        Level& level = levels_[now_];
        const double each = std::max(1e-9, seconds / static_cast<double>(steps));
        const double loss = lost(steps, seconds);
        level.each = laps_++ == 0 ? each : std::min(1.05 * level.each, each);
        level.credit = std::clamp(level.credit - loss, -most_debt, std::max(most_credit, seconds));
        const double debt = -std::min(0.0, level.credit);
        for (auto above = levels_.begin() + now_ + 1; above != levels_.end(); ++above)
            if (above->credit < 0) above->credit += std::min(-above->credit, seconds * part);
        if (now_ == 0)
            steps_ = std::clamp(static_cast<std::int64_t>(length / level.each), one, 2 * steps_);
        choose();
        return debt;
    }

private:
    struct Level {
        int threads;
        double each = 0;  // seconds of a step, by its best lap lately; 0 where that is not known
        double credit = 0;
    };

    int highest() const { return static_cast<int>(levels_.size()) - 1; }
    bool may_try(const Level& level) const { return level.threads <= most_ && level.credit >= 0; }
    bool known_below() const { return now_ == 0 || levels_[now_ - 1].each > 0; }

    // How much longer it took than it would have on the level below.
    double lost(std::int64_t steps, double seconds) const {
        if (now_ == 0 || !known_below()) return 0;
        return seconds - static_cast<double>(steps) * levels_[now_ - 1].each;
    }

    void choose() {
        if (now_ > 0 && levels_[now_].credit < 0) move(-1);
        else if (now_ < highest() && laps_ >= 2 && may_try(levels_[now_ + 1])) move(1);
        else if (now_ > 0 && laps_ >= (known_below() ? 256 : 32)) move(-1);  // to measure it anew
    }

    void move(int by) {
        now_ += by;
        laps_ = 0;
    }

    static constexpr std::int64_t one = 1;
    static constexpr double operations = 5e7, length = 5e-4;  // of a lap
    static constexpr double patience = 2e-4, most_credit = 0.03;  // seconds

    std::vector<Level> levels_;
    std::int64_t steps_;
    int now_ = 0, most_ = 1;
    int laps_ = 0;  // on this level in a row
    unsigned turn_ = 0;
};

}  // namespace chainrule
