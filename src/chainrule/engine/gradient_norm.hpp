// The norm of a gradient that lies in the arena, of all tensors that move, in one order.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "tensor.hpp"

namespace chainrule {

inline double add_square(double sum, double g) { return multiply_add(g, g, sum); }

// The norm where the squares overflow: the largest number is drawn out of them.
template <class T>
double wide_norm(const std::vector<Tensor<T>>& tensors) {
    const auto over_all = [&](auto&& f) {
        for (const Tensor<T>& tensor : tensors)
            if (tensor.spec.moves()) std::for_each_n(tensor.g, tensor.count, f);
    };
    double largest = 0, sum = 0;
    over_all([&](double g) { largest = std::max(largest, std::abs(g)); });
    over_all([&](double g) { sum = add_square(sum, g / largest); });
    return largest * std::sqrt(sum);
}

// Of weights, an affine's, the squares are summed in their tensors.
template <class T>
double gradient_norm(const std::vector<Tensor<T>>& tensors) {
    double sum = 0;
    for (const Tensor<T>& tensor : tensors) {
        if (tensor.spec.of_affine())
            for (int i = 0; i < tensor.in; ++i) sum += tensor.sums.get()[i];
        else if (tensor.spec.moves())
            for (std::size_t k = 0; k < tensor.count; ++k) sum = add_square(sum, tensor.g[k]);
    }
    return std::isfinite(sum) ? std::sqrt(sum) : wide_norm(tensors);
}

}  // namespace chainrule
