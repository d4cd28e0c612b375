// A team of threads that runs one function and meets at a barrier.
//
// The threads live as long as one call of the engine. None outlives it, so that a process that
// forks afterwards, or starts many fits at once, finds nothing half alive. Starting them costs some
// tens of microseconds, once for all the epochs of a call.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

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
// that comes again in the midst of its work, as from a callback, is one still.
class AtWork {
public:
    AtWork() { come(); }
    ~AtWork() { go(); }
    AtWork(const AtWork&) = delete;
    AtWork& operator=(const AtWork&) = delete;

    static void come() {
        if (depth_++ == 0) ++count_;
    }
    static void go() {
        if (--depth_ == 0) --count_;
    }
    // In a process that was forked, of all threads only the one that forked is left.
    static void after_fork() { count_ = depth_ > 0 ? 1 : 0; }

    // Of so many cores, those that each has.
    static int share(int cores) { return std::max(1, cores / std::max(1, count_.load())); }

private:
    static inline std::atomic<int> count_{0};
    static inline thread_local int depth_ = 0;
};

// All of the threads pass `wait` once the last has come.
class Barrier {
public:
    explicit Barrier(int threads) : threads_(threads) {}

    // To be called where none of them waits.
    void expect(int threads) { threads_ = threads; }

    void wait() {
        if (threads_ == 1) return;
        const std::uint32_t round = round_.load(std::memory_order_acquire);
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) == threads_ - 1) {
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

// Runs f(0), …, f(threads − 1), which throw nothing, the first on the thread that calls. They begin
// once all threads are there: where the system starts one too few, none of them runs.
template <class F>
void run_team(int threads, F&& f) {
    enum Gate { closed, open, off };
    std::atomic<Gate> gate{threads > 2 ? closed : open};  // one other thread waits for no third
    std::vector<std::thread> others;
    const auto release = [&](Gate how) {
        gate = how;
        gate.notify_all();
    };
    const auto join = [&] {
        for (auto& other : others) other.join();
    };
    others.reserve(static_cast<std::size_t>(threads - 1));
    try {
        for (int t = 1; t < threads; ++t)
            others.emplace_back([&f, &gate, t] {
                gate.wait(closed);
                if (gate == open) f(t);
            });
    } catch (...) {
        release(off);
        join();
        const std::string started = std::to_string(others.size() + 1);
        throw std::runtime_error("the system starts only " + started + " of " +
                                 std::to_string(threads) +
                                 " threads; ask for no more, with threads=" + started);
    }
    release(open);
    f(0);
    join();
}

// The part [first, last) of `count` things that thread t of `threads` takes.
struct Part {
    int first, last;
};

inline Part part_of(int count, int t, int threads) {
    if (threads == 1) return {0, count};  // the divisions would be felt in the smallest networks
    const auto cut = [&](int k) {
        return static_cast<int>(static_cast<std::int64_t>(count) * k / threads);
    };
    return {cut(t), cut(t + 1)};
}

}  // namespace chainrule
