// The binding of predictions, and of the numbers of a text.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>

#include <utility>

#include "bindings.hpp"
#include "number_rows.hpp"
#include "records.hpp"

using namespace nanobind::literals;

namespace chainrule {
namespace {

std::unique_ptr<Predictor> make_predictor(const Compiled& program, int cores, nb::object empty,
                                          nb::object single, nb::object twice) {
    return std::make_unique<Predictor>(program, cores, std::move(empty), std::move(single),
                                       std::move(twice));
}

template <class T>
nb::object predict_sparse(Predictor& predictor, nb::handle params, nb::handle sparse, int threads) {
    const GivenEntries<T> given(sparse);
    return predictor.predict_sparse(params, given.rows(), threads);
}

// The rows of a text into columns; how many fields are empty, or −1 where one is not plainly a number.
std::int64_t read_numbers(const nb::bytes& text, char delimiter, In<std::uint8_t> whole,
                          Out<double> columns) {
    const auto* first = static_cast<const char*>(text.data());
    const auto rows = static_cast<std::int64_t>(columns.size() / whole.size());
    NumberRows table{delimiter, {whole.data(), whole.size()}};
    nb::gil_scoped_release free;
    const bool plain = rows > 0 && first[text.size() - 1] == '\n' &&
                       table.read(first, first + text.size(), columns.data(), rows);
    return plain ? table.empty : -1;
}

}  // namespace

void bind_predictions(nb::module_& m) {
    nb::class_<Predictor>(m, "Predictor")
        .def("predict", &Predictor::predict)
        .def("predict_sparse32", &predict_sparse<float>)
        .def("predict_sparse64", &predict_sparse<double>);
    m.def("predictor", &make_predictor, nb::kw_only(), "program"_a, "cores"_a, "empty"_a, "single"_a,
          "twice"_a);
    m.def("read_numbers", &read_numbers, nb::kw_only(), "text"_a, "delimiter"_a, "whole"_a,
          "columns"_a);
}

}  // namespace chainrule
