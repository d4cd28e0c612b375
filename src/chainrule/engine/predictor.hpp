// The binding of predictions: the shortest way from the user's arrays to a prediction and back.
//
// A row takes a few microseconds, so arrays are read through Python's buffers, without conversions.
// Whatever is not as it ought to be, a type, a shape, a number that is not finite, gives None, and
// the caller goes the long way, which names it.
#pragma once

#include <nanobind/nanobind.h>

#include <memory>
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
    bool is(char kind, const std::vector<int>& shape) const {
        return this->kind() == kind && buffer_.ndim == static_cast<int>(shape.size()) &&
               std::equal(shape.begin(), shape.end(), buffer_.shape);
    }
    bool has_columns(int columns) const {
        return kind() && buffer_.ndim == 2 && buffer_.shape[1] == columns;
    }

private:
    Py_buffer buffer_{};
    bool held_;
};

// The form of the parameters: an array of a shape, or a tuple of such.
struct Form {
    bool leaf;
    std::vector<int> shape;
    std::vector<Form> entries;
};

class Predictor {
    static constexpr double work_of_a_thread = 2e7;  // from which starting one is worth it

public:
    // `empty` makes an array of a shape and a dtype, `single` or `twice`.
    Predictor(ProgramSpec spec, Form form, int cores, nb::object empty, nb::object single,
              nb::object twice)
        : spec_(std::move(spec)), form_(std::move(form)), cores_(cores), empty_(std::move(empty)),
          single_(std::move(single)), double_(std::move(twice)) {}

    // With 0 threads, as many as are worth starting.
    nb::object predict(nb::handle params, nb::handle X, int threads) {
        const View rows(X.ptr());
        if (!rows.has_columns(spec_.inputs()) || rows.rows() == 0) return nb::none();
        return rows.kind() == 'f' ? predict_as(of_single_, params, rows, single_, threads)
                                  : predict_as(of_double_, params, rows, double_, threads);
    }

    // The same of rows of which only the entries are given; they must be as they ought to be.
    template <class T>
    nb::object predict_sparse(nb::handle params, const SparseRows<T>& rows, int threads) {
        std::vector<View> views;
        std::vector<const T*> given;
        constexpr bool single = sizeof(T) == 4;
        if (!read(params.ptr(), form_, single ? 'f' : 'd', views, given)) return nb::none();
        nb::object out = empty_(nb::make_tuple(rows.n, spec_.outputs()), single ? single_ : double_);
        const View room(out.ptr());
        T* to = const_cast<T*>(room.data<T>());
        ProgramSpec spec = spec_;
        spec.values.front().sparse = true;
        Data<T> data{};
        data.sparse = rows;
        data.n = rows.n;
        return predict_many(Program<T>(spec), given, data, to, threads) ? out : nb::none();
    }

private:
    // The program, and room for a row.
    template <class T>
    struct Made {
        Program<T> program;
        FewRows<T> few{program};

        explicit Made(const ProgramSpec& spec) : program(spec) {}
    };

    template <class T>
    nb::object predict_as(std::unique_ptr<Made<T>>& made, nb::handle params, const View& X,
                          const nb::object& dtype, int threads) {
        std::vector<View> views;
        std::vector<const T*> given;
        views.reserve(spec_.tensors.size());
        given.reserve(spec_.tensors.size());
        if (!read(params.ptr(), form_, X.kind(), views, given)) return nb::none();
        if (!made) made = std::make_unique<Made<T>>(spec_);
        nb::object out = empty_(nb::make_tuple(X.rows(), spec_.outputs()), dtype);
        const View room(out.ptr());
        T* to = const_cast<T*>(room.data<T>());
        bool finite = true;
        if (X.rows() <= few_rows) {  // with the lock, which guards the room
            finite = made->few.run(given.data(), X.data<T>(), X.rows(), to);
        } else {
            const Data<T> data{X.data<T>(), spec_.inputs(), X.rows(), {}};
            finite = predict_many(made->program, given, data, to, threads);
        }
        return finite ? out : nb::none();
    }

    template <class T>
    bool predict_many(const Program<T>& program, const std::vector<const T*>& given,
                      const Data<T>& data, T* to, int threads) const {
        nb::gil_scoped_release free;
        const AtWork here;
        return ManyRows<T>(program, given.data())
            .run(data, to, within_share(threads ? threads : worth(data.n)));
    }

    int worth(std::int64_t rows) const {
        const double forward = spec_.work / 3.0;  // of a step, which goes back twice as far
        return static_cast<int>(std::min<double>(cores_, 1 + forward * double(rows) / work_of_a_thread));
    }

    int within_share(int threads) const { return std::min(threads, AtWork::share(cores_)); }

    // The arrays of the parameters, leaf by leaf. False where one is not as it ought to be.
    template <class T>
    static bool read(PyObject* params, const Form& form, char kind, std::vector<View>& views,
                     std::vector<const T*>& given) {
        if (form.leaf) {
            const View& view = views.emplace_back(params);
            if (!view.is(kind, form.shape)) return false;
            given.push_back(view.data<T>());
            return true;
        }
        const auto size = static_cast<Py_ssize_t>(form.entries.size());
        if (!PyTuple_Check(params) || PyTuple_GET_SIZE(params) != size) return false;
        for (Py_ssize_t k = 0; k < size; ++k)
            if (!read(PyTuple_GET_ITEM(params, k), form.entries[k], kind, views, given)) return false;
        return true;
    }

    ProgramSpec spec_;
    Form form_;
    int cores_;
    nb::object empty_, single_, double_;
    std::unique_ptr<Made<float>> of_single_;
    std::unique_ptr<Made<double>> of_double_;
};

}  // namespace chainrule
