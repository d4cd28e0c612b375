// The binding of predictions: the shortest way from the user's arrays to a prediction and back.
//
// A row takes a few microseconds, so arrays are read through Python's buffers, without conversions.
// Whatever is not as it ought to be, a type, a shape, a number that is not finite, gives None, and
// the caller goes the long way, which names it.
#pragma once

#include <nanobind/nanobind.h>

#include <string_view>

#include "predict.hpp"

namespace chainrule {

namespace nb = nanobind;

// A C-contiguous array of Python's, held as long as this lives.
class View {
public:
    explicit View(PyObject* object) {
        held_ = PyObject_GetBuffer(object, &buffer_, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) == 0;
        if (!held_) PyErr_Clear();
    }
    View(View&& other) noexcept : buffer_(other.buffer_), held_(std::exchange(other.held_, false)) {}
    View(const View&) = delete;
    View& operator=(const View&) = delete;
    ~View() {
        if (held_) PyBuffer_Release(&buffer_);
    }

    template <class T>
    const T* data() const {
        return static_cast<const T*>(buffer_.buf);
    }
    Py_ssize_t rows() const { return buffer_.shape[0]; }

    // 'f' or 'd'; 0 for everything else.
    char kind() const {
        const std::string_view format = held_ && buffer_.format ? buffer_.format : "";
        return format == "f" || format == "d" ? format[0] : 0;
    }
    bool is(char kind, int rows, int columns) const {
        return this->kind() == kind && buffer_.ndim == 2 && buffer_.shape[0] == rows &&
               buffer_.shape[1] == columns;
    }
    bool is(char kind, int entries) const {
        return this->kind() == kind && buffer_.ndim == 1 && buffer_.shape[0] == entries;
    }
    bool has_columns(int columns) const {
        return kind() && buffer_.ndim == 2 && buffer_.shape[1] == columns;
    }

private:
    Py_buffer buffer_{};
    bool held_;
};

class Predictor {
    static constexpr double work_of_a_thread = 2e7;  // from which starting one is worth it

public:
    // `places` says which entry of the parameters belongs to each layer; `empty` makes an array of
    // a shape and a dtype, `single` or `twice`.
    Predictor(PredictionSpec net, std::vector<int> places, int entries, int cores,
              nb::object empty, nb::object single, nb::object twice)
        : net_(std::move(net)), places_(std::move(places)), entries_(entries), cores_(cores),
          empty_(std::move(empty)), single_(std::move(single)), double_(std::move(twice)),
          room_(4 * static_cast<std::size_t>(padded<float>(net_.widest))) {
        for (const LayerSpec& l : net_.layers) work_ += 2.0 * l.in * l.out;
    }

    // With 0 threads, as many as are worth starting.
    nb::object predict(nb::handle params, nb::handle X, int threads) {
        const View rows(X.ptr());
        if (!rows.has_columns(net_.inputs) || rows.rows() == 0) return nb::none();
        return rows.kind() == 'f' ? predict_as<float>(params, rows, threads)
                                  : predict_as<double>(params, rows, threads);
    }

private:
    template <class T>
    nb::object predict_as(nb::handle params, const View& X, int threads) {
        std::vector<View> views;
        std::vector<Weights<T>> given;
        if (!read(params, X.kind(), views, given)) return nb::none();
        const nb::object& dtype = sizeof(T) == 4 ? single_ : double_;
        nb::object out = empty_(nb::make_tuple(X.rows(), net_.outputs), dtype);
        const View room(out.ptr());
        T* to = const_cast<T*>(room.data<T>());
        bool finite = true;
        if (X.rows() <= few_rows) {  // with the lock, which guards the room
            for (Py_ssize_t r = 0; r < X.rows() && finite; ++r)
                finite = predict_row(net_, given.data(), X.data<T>() + r * net_.inputs,
                                     reinterpret_cast<T*>(room_.get()), to + r * net_.outputs);
        } else {
            if (threads == 0) {
                const double worth = 1 + work_ * static_cast<double>(X.rows()) / work_of_a_thread;
                threads = static_cast<int>(std::min<double>(cores_, worth));
            }
            nb::gil_scoped_release free;
            finite = ManyRows<T>(net_, given.data()).run(X.data<T>(), X.rows(), to, threads);
        }
        return finite ? out : nb::none();
    }

    template <class T>
    bool read(nb::handle params, char kind, std::vector<View>& views,
              std::vector<Weights<T>>& given) const {
        if (!PyTuple_Check(params.ptr()) || PyTuple_GET_SIZE(params.ptr()) != entries_) return false;
        views.reserve(2 * places_.size());
        given.reserve(places_.size());
        for (std::size_t k = 0; k < places_.size(); ++k) {
            PyObject* entry = PyTuple_GET_ITEM(params.ptr(), places_[k]);
            if (!PyTuple_Check(entry) || PyTuple_GET_SIZE(entry) != 2) return false;
            const LayerSpec& l = net_.layers[k];
            const View& W = views.emplace_back(PyTuple_GET_ITEM(entry, 0));
            const View& b = views.emplace_back(PyTuple_GET_ITEM(entry, 1));
            if (!W.is(kind, l.out, l.in) || !b.is(kind, l.out)) return false;
            given.push_back({W.data<T>(), b.data<T>()});
        }
        return true;
    }

    PredictionSpec net_;
    std::vector<int> places_;
    int entries_, cores_;
    double work_ = 0;  // of a row
    nb::object empty_, single_, double_;
    Buffer<float> room_;  // two rows of floats or doubles
};

}  // namespace chainrule
