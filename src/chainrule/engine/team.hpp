// Teams of threads that meet at a barrier: for one function, or lap after lap.
//
// The threads live as long as one call of the engine. None outlives it, so that a process that
// forks afterwards, or starts many fits at once, finds nothing half alive. Starting them costs some
// tens of microseconds, once for all the epochs of a call.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "laps.hpp"
#include "simd.hpp"

namespace chainrule {

inline void relax() {
#if CHAINRULE_X86
    _mm_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

// Return once `word` is no longer what was seen: some microseconds are spent spinning, then others
// have the core, then the thread sleeps. So a thread that comes on time is met within about 0.1 µs,
// and one that is late, perhaps for want of a core, does not find it burnt.
inline void await(const std::atomic<std::uint32_t>& word, std::uint32_t seen) {
    const auto changed = [&] { return word.load(std::memory_order_acquire) != seen; };
    for (int spin = 0; spin < 400; ++spin) {
        if (changed()) return;
        relax();
    }
    for (int turn = 0; turn < 20; ++turn) {
        if (changed()) return;
        std::this_thread::yield();
    }
    while (!changed()) word.wait(seen);
}

// Which threads of this process are at work, each with a team of its own: they share the cores. One
// that comes again in the midst of its work, as from a callback, is one still. Another thread of a team
// is started only where there is a core for it.
class AtWork {
public:
    AtWork() { come(); }
    ~AtWork() { go(); }
    AtWork(const AtWork&) = delete;
    AtWork& operator=(const AtWork&) = delete;

    static void come() {
        if (depth_++ > 0) return;
        ++teams_;
        ++all_;
    }
    static void go() {
        if (--depth_ > 0) return;
        --teams_;
        --all_;
    }
    // In a process that was forked, of all threads only the one that forked is left.
    static void after_fork() { teams_ = all_ = depth_ > 0 ? 1 : 0; }

    // Of so many cores, those that each team has.
    static int share(int cores) { return std::max(1, cores / std::max(1, teams_.load())); }

    // How many more may come to a team, of so many, until they leave.
    static int join(int threads, int cores) {
        int all = all_, more = 0;
        do more = std::clamp(cores - std::max(1, all), 0, threads);
        while (more > 0 && !all_.compare_exchange_weak(all, all + more));
        if (more > 0) note(all + more);
        return more;
    }
    static void leave(int threads) { all_ -= threads; }

    // The most that were at work when one joined, since this was asked: for tests.
    static int most() { return most_.exchange(0); }

private:
    static void note(int all) {
        int most = most_;
        while (most < all && !most_.compare_exchange_weak(most, all)) {
        }
    }

    static inline std::atomic<int> teams_{0}, all_{0}, most_{0};
    static inline thread_local int depth_ = 0;
};

// All of the threads pass `wait` once the last has come.
class Barrier {
public:
    explicit Barrier(int threads) : threads_(threads) {}

    // To be called where none of them waits.
    void expect(int threads) { threads_ = threads; }

    void wait() {
        const int threads = threads_;  // before this one has come, and others go on
        if (threads == 1) return;
        const std::uint32_t round = round_.load(std::memory_order_acquire);
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) == threads - 1) {
            arrived_.store(0, std::memory_order_relaxed);
            round_.store(round + 1, std::memory_order_release);
            round_.notify_all();
            return;
        }
        await(round_, round);
    }

private:
    int threads_;
    alignas(64) std::atomic<int> arrived_{0};
    alignas(64) std::atomic<std::uint32_t> round_{0};
};

// What teams of this process have lost lately by waiting for a core: none is tried before that is made
// up for, in a run that has not seen it either.
class Lost {
    using clock = std::chrono::steady_clock;

public:
    static void enter(double seconds) {
        if (seconds <= 0) return;
        const std::chrono::duration<double> length(std::min(Laps::most_debt, seconds) / Laps::part);
        const auto until = clock::now() + std::chrono::duration_cast<clock::duration>(length);
        until_ = std::max(until_.load(), until);
    }

    // The seconds until a team may be tried.
    static double left() {
        const std::chrono::duration<double> left = until_.load() - clock::now();
        return std::max(0.0, left.count());
    }

private:
    static inline std::atomic<clock::time_point> until_{};
};

// Threads beside the one that made them: they sleep until they are called to a lap, and end with this.
//
// Who is late, and has no part in a lap, sees only the last call. Who has one is waited for in the lap.
class Helpers {
public:
    // In a lap, thread t of those that have a part in it does work(t, lap), which throws nothing.
    explicit Helpers(std::function<void(int, std::int64_t)> work) : work_(std::move(work)) {}
    ~Helpers() { keep(1); }
    Helpers(const Helpers&) = delete;
    Helpers& operator=(const Helpers&) = delete;

    // Let so many threads be there, this one among them, or as many as there are cores for and as the
    // system starts: how many.
    int have(int threads, int cores) {
        threads = std::min(threads, static_cast<int>(most) - 1);
        if (threads > size()) start(AtWork::join(threads - size(), cores));
        return std::min(threads, size());
    }

    // Let there be no more than so many. One without a core is long in ending.
    void keep(int threads) {
        if (size() <= threads) return;
        const auto began = std::chrono::steady_clock::now();
        kept_ = threads;
        call(0);
        for (; size() > threads; others_.pop_back(), AtWork::leave(1)) others_.back().join();
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
        Lost::enter(took.count() - usual);
    }

    // Begin the next lap, with so many of them, and return its number.
    std::int64_t call(int threads) {
        ++lap_;
        if (size() > 1) {
            called_ = static_cast<std::uint32_t>(lap_) << bits | static_cast<std::uint32_t>(threads);
            called_.notify_all();
        }
        return lap_;
    }

private:
    int size() const { return 1 + static_cast<int>(others_.size()); }

    void start(int more) {
        kept_ = std::max(kept_.load(), size() + more);
        try {
            for (; more > 0; --more)
                others_.emplace_back([this, t = size(), seen = called_.load()] { follow(t, seen); });
        } catch (const std::exception&) {
        }
        AtWork::leave(more);
    }

    void follow(int t, std::uint32_t seen) {
        while (true) {
            await(called_, seen);
            seen = called_;
            if (t >= kept_) return;
            if (t < static_cast<int>(seen & (most - 1))) work_(t, lap_);
        }
    }

    static constexpr double usual = 5e-4;  // seconds in which they end
    static constexpr int bits = 12;
    static constexpr std::uint32_t most = 1u << bits;

    std::function<void(int, std::int64_t)> work_;
    std::vector<std::thread> others_;
    std::int64_t lap_ = 0;
    alignas(64) std::atomic<std::uint32_t> called_{0};  // the lap, and how many have a part in it
    std::atomic<int> kept_{1};
};

// Runs f(0), …, f(threads − 1), which throw nothing, the first on the thread that calls; or as many of
// them as there are cores for and as the system starts threads: then fewer(how many) comes before any.
template <class F, class Fewer>
void run_team(int threads, int cores, F&& f, Fewer&& fewer) {
    const int more = threads > 1 ? AtWork::join(threads - 1, cores) : 0;
    std::atomic<bool> is_open{threads <= 2};  // one other thread waits for no third
    std::vector<std::thread> others;
    try {
        others.reserve(static_cast<std::size_t>(more));
        for (int t = 1; t <= more; ++t)
            others.emplace_back([&f, &is_open, t] {
                is_open.wait(false);
                f(t);
            });
    } catch (const std::exception&) {
    }
    const int there = 1 + static_cast<int>(others.size());
    if (there < threads) fewer(there);
    is_open = true;
    is_open.notify_all();
    f(0);
    for (auto& other : others) other.join();
    AtWork::leave(more);
}

// How many threads, of so many at most, are worth starting for one pass of so many operations.
inline int worth_starting(double operations, int most) {
    constexpr double of_a_thread = 2e7;
    if (all_in_turn || most == 1) return most;
    return Lost::left() > 0 ? 1 : static_cast<int>(std::min<double>(most, 1 + operations / of_a_thread));
}

// f(k, t) for each of so many pieces, thread t taking the next that none has taken: who has no core
// just then keeps the others waiting for one piece at most.
template <class F>
void share_out(int pieces, int threads, int cores, F&& f) {
    using clock = std::chrono::steady_clock;
    const auto began = clock::now();
    const auto passed = [&] { return std::chrono::duration<double>(clock::now() - began).count(); };
    std::atomic<int> next{0};
    double alone = 0;  // the seconds that the first thread would have needed
    run_team(threads, cores, [&](int t) {
        int made = 0;
        for (int k; (k = next++) < pieces; ++made) f(k, t);
        if (t == 0 && made > 0) alone = passed() / made * pieces;
    }, [](int) {});
    if (threads > 1) Lost::enter(passed() - alone);
}

// The part [first, last) of `count` things that thread t of `threads` takes.
struct Part {
    int first, last;
};

inline Part part_of(int count, int t, int threads) {
    if (small_code || threads == 1) return {0, count};  // the divisions would be felt in the smallest networks
    const auto cut = [&](int k) {
        return static_cast<int>(static_cast<std::int64_t>(count) * k / threads);
    };
    return {cut(t), cut(t + 1)};
}

}  // namespace chainrule
