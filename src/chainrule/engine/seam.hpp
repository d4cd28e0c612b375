// The seam of a step: where sums of this process go out, and come back as those of all processes.
//
// The first thread of the team calls a function that takes them there, and the others wait. What that
// throws ends the run, and is kept for the caller of the run.
#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <span>
#include <utility>

#include "tensor.hpp"

namespace chainrule {

template <class T>
class Seam {
public:
    using Way = std::function<void(std::span<T>)>;

    void take(Way way) { way_ = std::move(way); }
    explicit operator bool() const { return bool(way_); }

    // Before a run.
    void begin() { failed_ = false; }

    // After one: what has been thrown is thrown here.
    void end() {
        if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
    }

    // Whether there is no step, for what came of passing it.
    bool failed() const { return failed_; }

    // Numbers go by it, by thread t of a team whose threads wait for each other in meet().
    template <class Meet>
    void pass(int t, std::span<T> numbers, Meet&& meet) {
        meet();
        if (t == 0 && !failed_) try {
                way_(numbers);
            } catch (...) {
                thrown_ = std::current_exception();
                failed_ = true;
            }
        meet();
    }

    // So does the gradient, and two flags with it. There is a step where none of the processes has one
    // up: all settle that alike.
    template <class Meet>
    void settle(int t, Tensors<T>& tensors, std::atomic<bool>& rows_failed, std::atomic<bool>& stop,
                Meet&& meet) {
        if (t == 0) {
            tensors.flag(0) = T(bool(rows_failed));
            tensors.flag(1) = T(bool(stop));
        }
        pass(t, tensors.sums(), meet);
        if (t == 0 && !failed_) {
            rows_failed = tensors.flag(0) > 0;
            stop = tensors.flag(1) > 0;
            failed_ = rows_failed || stop;
        }
        meet();
    }

private:
    Way way_;
    std::exception_ptr thrown_;
    std::atomic<bool> failed_{false};  // set between two barriers
};

}  // namespace chainrule
