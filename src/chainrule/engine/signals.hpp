// What ends a run before its time: a signal, such as Ctrl-C, or a word from another thread.
#pragma once

#include <nanobind/nanobind.h>

#include <atomic>
#include <chrono>

namespace chainrule {

namespace nb = nanobind;

// Said by one thread to the runs of others. Python hears of signals on its main thread alone.
struct Stop {
    std::atomic<bool> said{false};
};

// Whether the run is to end; Python is asked at most every 20 ms.
class Signals {
public:
    explicit Signals(const Stop* stop = nullptr) : stop_(stop) {}

    bool operator()() {
        if (stop_ && stop_->said) return stopped_ = true;
        const auto now = std::chrono::steady_clock::now();
        if (now < next_) return false;
        next_ = now + std::chrono::milliseconds(20);
        nb::gil_scoped_acquire gil;
        if (PyErr_CheckSignals() == 0) return false;
        raised_ = nb::borrow(nb::python_error().value());  // which clears Python's own indicator
        return true;
    }
    // The exception that a handler raised, or that stands for the word of another thread, or None.
    nb::object raised() const {
        if (stopped_) return nb::borrow(PyExc_KeyboardInterrupt)();
        return raised_ ? raised_ : nb::none();
    }

private:
    const Stop* stop_;
    bool stopped_ = false;
    std::chrono::steady_clock::time_point next_ =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
    nb::object raised_;
};

}  // namespace chainrule
