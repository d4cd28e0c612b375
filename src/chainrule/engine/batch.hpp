// The first phase of a step: rows of a batch pass forward, are compared, and pass backward.
//
// Each thread takes rows of its own and needs nobody. What the rows leave behind, activations and
// deltas, lies in the layers; the second phase (update.hpp) makes a gradient of it.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "losses.hpp"
#include "passes.hpp"
#include "team.hpp"

namespace chainrule {

struct NetworkSpec {
    int inputs;
    std::vector<Dropout> input_dropouts;
    std::vector<LayerSpec> layers;
    Loss loss;
    std::vector<double> loss_parameters;  // one for all outputs, several in turn, or none
};

// Examples where the user has them.
template <class T>
struct Data {
    const T* X;
    std::int64_t ldx, n;
    Targets<T> targets;  // without an order
};

// Some of them: those numbered order[first], …, or first, … without an order.
struct Batch {
    std::int64_t n;
    std::int64_t first;
    const std::int64_t* order;
    std::uint64_t step;  // which dropout's masks follow from; 0 is for predictions, without masks
    double scale;        // an example's part in the cost, before its weight

    std::int64_t example(std::int64_t r) const { return order ? order[first + r] : first + r; }
};

// A network with room for one batch.
template <class T>
struct Network {
    NetworkSpec spec;
    int batch;
    std::vector<Layer<T>> layers;
    std::vector<const T*> x;    // the rows that enter
    Buffer<T> inputs;           // a copy of them, where dropout comes first
    Buffer<T> values;           // the loss of each, unweighted
    Buffer<T> loss_parameters;  // of each output, 0 where the loss has none

    Network(const NetworkSpec& net, int rows, int states, bool keeps_gradient)
        : spec(net), batch(rows), x(static_cast<std::size_t>(rows)),
          values(static_cast<std::size_t>(rows)) {
        layers.reserve(net.layers.size());
        for (const LayerSpec& layer : net.layers)
            layers.emplace_back(layer, rows, states, layers.empty(), keeps_gradient);
        if (!net.input_dropouts.empty())
            inputs = Buffer<T>(static_cast<std::size_t>(rows) * net.inputs);
        const std::vector<double>& given = net.loss_parameters;
        const auto outputs = static_cast<std::size_t>(layers.back().columns);
        loss_parameters = Buffer<T>(outputs);
        for (std::size_t j = 0; !given.empty() && j < outputs; ++j)
            loss_parameters.get()[j] = T(given[j % given.size()]);
    }

    const T* const* entering(std::size_t k) const {
        return k == 0 ? x.data() : layers[k - 1].a_rows.data();
    }
};

template <class T>
void gather(Network<T>& net, const Data<T>& data, const Batch& b, Part part) {
    const int width = net.spec.inputs;
    for (int r = part.first; r < part.last; ++r) {
        net.x[r] = data.X + b.example(r) * data.ldx;
        if (!net.inputs) continue;
        T* row = net.inputs.get() + static_cast<std::int64_t>(r) * width;
        std::copy_n(net.x[r], width, row);
        net.x[r] = row;
    }
    if (b.step == 0) return;
    for (const Dropout& d : net.spec.input_dropouts)
        silence<T>(d, b.step, part.first, part.last, width, 1, [&](int, int r) {
            return net.inputs.get() + static_cast<std::int64_t>(r) * width;
        });
}

template <class T>
void forward(Network<T>& net, const Data<T>& data, const Batch& b, Part part) {
    gather(net, data, b, part);
    for (std::size_t k = 0; k < net.layers.size(); ++k)
        forward(net.layers[k], net.entering(k), part.first, part.last, b.step);
}

// The loss of each row, and ∂C/∂a in the place of the last layer's delta. False where a loss is not
// finite.
template <class T>
bool compare(Network<T>& net, const Data<T>& data, const Batch& b, Part part) {
    Layer<T>& last = net.layers.back();
    Targets<T> targets = data.targets;
    if (b.order) {
        targets.order = b.order + b.first;
    } else {
        if (targets.y) targets.y += b.first * targets.ld;
        if (targets.labels) targets.labels += b.first;
        if (targets.weights) targets.weights += b.first;
    }
    loss_rows(net.spec.loss, net.loss_parameters.get(), last.out, last.a.get(), last.ld, targets,
              T(b.scale), last.delta.get(), last.ld, net.values.get(), part.first, part.last);
    T poison{};
    for (int r = part.first; r < part.last; ++r) poison += net.values.get()[r] * T{0};
    return poison == 0;
}

// From the last layer's ∂C/∂a to the deltas of all layers.
template <class T>
void backward(Network<T>& net, Part part) {
    Layer<T>& last = net.layers.back();
    for (int column = 0; column < last.columns; column += panel_width<T>)
        finish_delta(last, net.batch, part.first, part.last - part.first, column,
                     last.vectors(column));
    finish_rows(last, net.batch, part.first, part.last);
    for (std::size_t k = net.layers.size() - 1; k > 0; --k)
        backward(net.layers[k], net.layers[k - 1], net.batch, part.first, part.last);
}

// Σ w L over the batch.
template <class T>
double loss_sum(const Network<T>& net, const Data<T>& data, const Batch& b) {
    const T *values = net.values.get(), *weights = data.targets.weights;
    double sum = 0;
    for (std::int64_t r = 0; r < b.n; ++r)
        sum = multiply_add(static_cast<double>(values[r]), weights ? weights[b.example(r)] : 1.0, sum);
    return sum;
}

// |∂C/∂(W, b)|² of the part that row r has in the gradient: Σ |delta|² (|x|² + 1).
// Goodfellow (2015), Efficient per-example gradient computations.
template <class T>
double squared_norm(const Network<T>& net, int r) {
    const auto square = [](const T* p, int n) {
        Squares<T> squares;
        for_vectors<T>(n, [&](int k, int count, int piece) {
            squares.add(load_first(p + k, count), piece);
        });
        return squares.sum();
    };
    double sum = 0;
    for (std::size_t k = 0; k < net.layers.size(); ++k) {
        const Layer<T>& l = net.layers[k];
        sum = multiply_add(square(l.delta_rows[r], l.out), square(net.entering(k)[r], l.in) + 1, sum);
    }
    return sum;
}

}  // namespace chainrule
