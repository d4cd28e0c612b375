// Arrays of the user's, read through Python's buffers where they lie, without conversions.
//
// Whatever is not plainly as it ought to be, a type, a shape, a number that is not finite, makes an
// answer of false, and the caller goes the long way, which names it.
#pragma once

#include <nanobind/nanobind.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "sums.hpp"

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

    bool is_finite() const {
        return kind() == 'f' ? all_finite<float>() : kind() == 'd' && all_finite<double>();
    }

private:
    template <class T>
    bool all_finite() const {
        return sum_of_lanes(poison_in(data<T>(), static_cast<std::size_t>(buffer_.len) / sizeof(T))) == 0;
    }

    Py_buffer buffer_{};
    bool held_;
};

// The form of the parameters: an array of a shape, or a tuple of such; and the type of either.
struct Form {
    PyTypeObject* type;
    bool leaf;
    std::vector<int> shape;
    std::vector<Form> entries;

    // The arrays of parameters, of the kind of the first, leaf by leaf. False where one is not as it
    // ought to be; `exactly` where it is not of the same type either.
    bool read(PyObject* params, std::vector<View>& views, bool exactly = false) const {
        if (exactly && Py_TYPE(params) != type) return false;
        if (leaf) {
            const View& view = views.emplace_back(params);
            return view.is(views.front().kind(), shape) && view.kind();
        }
        const auto size = static_cast<Py_ssize_t>(entries.size());
        if (!PyTuple_Check(params) || PyTuple_GET_SIZE(params) != size) return false;
        for (Py_ssize_t k = 0; k < size; ++k)
            if (!entries[k].read(PyTuple_GET_ITEM(params, k), views, exactly)) return false;
        return true;
    }
};

}  // namespace chainrule
