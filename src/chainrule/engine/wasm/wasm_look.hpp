// One pass of some examples, forward and back, of which every value is kept: no operation is fused with
// another, so that z and a are values each.
//
//   a       (copies · n, width)   the value
//   came    as a                  ∂C/∂ it for one example, as what reads it has sent it back
//   went    as a                  the same once what made it has gone back: of what an activation made, δ
//   slope   as a                  f′(z) of what an activation made of each number by itself; else 0
//   shares, links   (copies · n, outputs)   of each output its share in the loss; what the loss's link
//                   makes of it, as predictions have it
//
// Examples count as one each, whatever their weights, and the cost has no penalty.
#pragma once

#include <memory>
#include <vector>

#include "batch.hpp"
#include "predict.hpp"

namespace chainrule {

// Examples, copied.
template <class T>
struct OwnData {
    std::vector<T> X, y, weights;
    std::vector<std::int64_t> labels;
    std::int64_t n = 0;

    Data<T> seen(const ProgramSpec& spec) const {
        Data<T> data{X.data(), spec.inputs(), n, {}};
        data.targets.y = y.empty() ? nullptr : y.data();
        data.targets.ld = spec.outputs();
        data.targets.labels = labels.empty() ? nullptr : labels.data();
        data.targets.weights = weights.empty() ? nullptr : weights.data();
        return data;
    }
};

template <class T>
class Look {
public:
    // Beyond these a network goes by blocks, and has no room for all rows at once.
    static constexpr int most_rows = Blocks::fewest_rows - 1;

    Look(const ProgramSpec& spec, int rows)
        : net_(std::make_shared<Model<T>>(apart(spec), rows, 0, false, Shards{}), rows),
          came_(net_.values.size()), slopes_(net_.values.size()) {
        for (std::size_t v = 0; v < came_.size(); ++v) {
            came_[v].resize(static_cast<std::size_t>(net_.values[v].height) * width(v));
            slopes_[v].resize(came_[v].size());
        }
    }

    int most() const { return net_.batch; }
    int rows() const { return n_; }

    void pass(const std::vector<std::vector<T>>& tensors, Data<T> data,
              const std::vector<std::int64_t>& examples, std::uint64_t step) {
        for (std::size_t k = 0; k < tensors.size(); ++k) {
            Tensor<T>& tensor = net_.tensors.all[k];
            tensor.read(tensors[k].data(), tensor.w.get());
            tensor.renew();
        }
        n_ = static_cast<int>(examples.size());
        data.targets.weights = nullptr;
        const Batch b{n_, 0, examples.data(), step, 1};
        const Share<T> share{0, 1, nullptr};
        forward(net_, data, b, {0, n_}, [&](const auto& op) {
            op.gather(net_.room, b.rows(), share, op.forward_kinds);
        });
        net_.program.each([&](const auto& op) { note_slopes(op); });
        note_losses(data.targets, examples);
        compare(net_, data, b, {0, n_});
        net_.program.each_backward([&](const auto& op) {
            keep(op.y, op.first, op.copies, came_);
            if constexpr (std::decay_t<decltype(op)>::of_batch)
                if (b.rows().trains()) op.gather(net_.room, b.rows(), share, op.backward_kinds);
            op.backward(net_.room, b.rows());
        });
        keep(0, 0, net_.values[0].spec.copies, came_);
    }

    // Of value v, row by row.
    void value(int v, T* out) const {
        write(v, out, [&](const Value<T>& own, int r) { return own.rows[r]; });
    }
    void came(int v, T* out) const { std::copy_n(came_[v].data(), count(v), out); }
    void slope(int v, T* out) const { std::copy_n(slopes_[v].data(), count(v), out); }
    void went(int v, T* out) const {
        write(v, out, [&](const Value<T>& own, int r) { return own.d_row(r); });
    }
    void shares(T* out) const { std::copy(shares_.begin(), shares_.end(), out); }
    void links(T* out) const { std::copy(links_.begin(), links_.end(), out); }
    // Of each member and example.
    void losses(T* out) const {
        std::copy_n(net_.losses.get(), static_cast<std::size_t>(n_) * net_.program.spec.members(), out);
    }

private:
    static ProgramSpec apart(ProgramSpec spec) {
        spec.values.front().wanted = true;
        spec.apart = true;
        return spec;
    }

    int width(std::size_t v) const { return net_.values[v].spec.width; }

    std::size_t count(int v) const {
        return static_cast<std::size_t>(n_) * net_.values[v].spec.copies * width(v);
    }

    // What stands in the d of some copies of a value.
    void keep(int v, int first, int copies, std::vector<std::vector<T>>& kept) {
        const Value<T>& value = net_.values[v];
        for (int r = first * n_; r < (first + copies) * n_; ++r)
            std::copy_n(value.d_row(r), width(v), kept[v].data() + static_cast<std::size_t>(r) * width(v));
    }

    // What an activation would make of a d of ones, which stand there before any other does.
    template <class Op>
    void note_slopes(const Op&) {}
    void note_slopes(const Activate<T>& op) {
        if (op.activation == Activation::softmax) return;
        Value<T>& to = net_.values[op.y];
        const int first = op.first * n_, rows = op.copies * n_;
        const auto numbers = static_cast<std::size_t>(rows) * to.ld;
        std::fill_n(to.d_row(first), numbers, T{1});
        slope_tile(op.activation, op.parameter, to.a, to.kept.get(), to.d.get(), to.ld, first, rows, 0,
                   to.columns / Vec<T>::width);
        keep(op.y, op.first, op.copies, slopes_);
        std::fill_n(to.d_row(first), numbers, T{0});  // as the padding must be
    }

    void note_losses(const Targets<T>& targets, const std::vector<std::int64_t>& examples) {
        const Value<T>& last = net_.last();
        const int o = net_.program.spec.outputs();
        shares_.resize(static_cast<std::size_t>(n_) * last.spec.copies * o);
        links_.resize(shares_.size());
        std::vector<T> y(static_cast<std::size_t>(o));
        for (int r = 0; r < n_ * last.spec.copies; ++r) {
            const std::int64_t k = examples[static_cast<std::size_t>(r % n_)];
            if (targets.y) std::copy_n(targets.y + k * targets.ld, o, y.data());
            for (int j = 0; !targets.y && j < o; ++j) y[j] = T(j == targets.labels[k]);
            link_row(net_.program.spec.heads, last.row(r), links_.data() + r * o);
            for (std::size_t h = 0; h < net_.program.spec.heads.size(); ++h)
                note_shares(h, last.row(r), y.data(), shares_.data() + r * o);
        }
    }

    // Of one head's outputs; of a cross-entropy −t ln p, which is a label's loss.
    void note_shares(std::size_t h, const T* a, const T* y, T* to) const {
        const Head& head = net_.program.spec.heads[h];
        const int o = head.outputs;
        const T* parameters = net_.model->loss_parameters[h].get();
        std::vector<T> none(static_cast<std::size_t>(padded<T>(o))), scratch(none.size());
        const rows::Smoothing<T> smooth(parameters[0], o);
        for (int j = head.first; j < head.first + o; ++j) {
            if (head.loss != Loss::cross_entropy) {
                const T p = parameters[j - head.first];
                to[j] = rows::share<T>(head.loss, broadcast<T>(a[j]), broadcast<T>(y[j]), broadcast<T>(p),
                                       T(o)).value[0];
            } else if (const T t = multiply_add(y[j], smooth.keep, smooth.share); t == 0) {
                to[j] = 0;
            } else {
                to[j] = t * loss_row<T>(head.loss, none.data(), a + head.first, nullptr, j - head.first, o,
                                        T{1}, scratch.data());
            }
        }
    }

    template <class Row>
    void write(int v, T* out, Row&& row) const {
        const Value<T>& value = net_.values[v];
        for (int r = 0; r < n_ * value.spec.copies; ++r) out = std::copy_n(row(value, r), width(v), out);
    }

    Network<T> net_;
    std::vector<std::vector<T>> came_, slopes_;
    std::vector<T> shares_, links_;
    int n_ = 0;
};

}  // namespace chainrule
