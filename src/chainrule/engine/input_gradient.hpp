// An output that a network predicts along paths of what enters it: its value, and its gradient between.
//
//   X (n, points, inputs) → p, q (n, points)   the output; of a probability, q is what it lacks to 1
//                           g (n, points − 1, inputs)   ∂p/∂x from each point to the next: along the
//                               chord, so that Σ g (x⁺ − x) = p⁺ − p; of equal points that at them
//
// Rows pass forward and back as in training, some paths at a time, in room that the cache holds. In the
// place of a loss stands the slope of its link. Nothing is drawn, and norms over the batch go by their
// running statistics, so that no path has a part in what another comes to.
//
// On the way back an activation has the slope of its chord, from a row to the next. What is linear has
// its own. All others go back from the middle of what enters them, for which they pass forward again.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <numeric>
#include <vector>

#include "predict.hpp"

namespace chainrule {

// ∂p_j/∂a of a head's outputs, from its activation a and its prediction p; da is 0 before.
template <class T>
void link_slope(Loss loss, int o, const T* a, const T* p, int j, T* da) {
    da[j] = loss == Loss::poisson ? p[j] : T{1};
    if (loss == Loss::cross_entropy) {
        rows::softmax_delta(p, p, o, da);
    } else if (loss == Loss::binary_cross_entropy) {
        using V = typename Vec<T>::type;
        da[j] = rows::Logistic<V>(broadcast<T>(a[j])).slope(broadcast<T>(1))[0];
    }
}

// An output of a prediction, of which the members' mean is taken. Quantiles are in their order.
template <class T>
class AskedOutput {
    using V = typename Vec<T>::type;

public:
    AskedOutput(const ProgramSpec& spec, int output)
        : head_(head_of(spec, output)), place_(output - head_.first),
          columns_(static_cast<std::size_t>(padded<T>(head_.outputs))), a_(spec.members() * columns_),
          each_(spec.members() * columns_), mean_(columns_), da_(columns_),
          order_(static_cast<std::size_t>(head_.outputs)) {}

    // p and q of row r of n, from what leaves the network.
    void predict(const Value<T>& last, int n, int r, T& p, T& q) {
        const int j = at(last, n, r, 0);
        p = mean_.get()[j];
        q = rest(last.spec.copies, j);
    }

    // ∂p/∂a from row r to the next, into the d of what leaves the network: the mean along the chord, by
    // Gauss's rule.
    void chord(Value<T>& last, int n, int r) {
        static constexpr std::array<double, 4> points{0.069431844202973712, 0.330009478207571868,
                                                      0.669990521792428132, 0.930568155797026288};
        static constexpr std::array<double, 4> weights{0.173927422568726929, 0.326072577431273071,
                                                       0.326072577431273071, 0.173927422568726929};
        const int members = last.spec.copies;
        for (int m = 0; m < members; ++m) std::fill_n(last.d_row(m * n + r), last.columns, T{0});
        for (std::size_t k = 0; k < points.size(); ++k) {
            const int j = at(last, n, r, T(points[k]));
            for (int m = 0; m < members; ++m) {
                std::fill_n(da_.get(), columns_, T{0});
                link_slope(head_.loss, head_.outputs, of(a_, m), of(each_, m), j, da_.get());
                T* d = last.d_row(m * n + r) + head_.first;
                for (int c = 0; c < head_.outputs; ++c) d[c] += da_.get()[c] * T(weights[k] / members);
            }
        }
    }

private:
    static const Head& head_of(const ProgramSpec& spec, int output) {
        return *std::find_if(spec.heads.begin(), spec.heads.end() - 1, [&](const Head& head) {
            return output < head.first + head.outputs;
        });
    }

    T* of(const Buffer<T>& array, int m) const { return array.get() + m * columns_; }

    // Which output is asked for, once a, what each member predicts of it and the mean are those of a
    // point on the chord from row r to the next, t from 0 to 1.
    int at(const Value<T>& last, int n, int r, T t) {
        const int o = head_.outputs, members = last.spec.copies;
        T* mean = mean_.get();
        std::fill_n(mean, o, T{0});
        for (int m = 0; m < members; ++m) {
            const T* row = last.row(m * n + r) + head_.first;
            T* a = of(a_, m);
            std::copy_n(row, o, a);
            for (int c = 0; t > 0 && c < o; ++c) a[c] += t * (row[last.ld + c] - a[c]);
            link_head(head_.loss, o, a, of(each_, m));
            for (int c = 0; c < o; ++c) mean[c] += of(each_, m)[c];
        }
        for (int c = 0; members > 1 && c < o; ++c) mean[c] /= T(members);
        if (head_.loss != Loss::quantile) return place_;
        std::iota(order_.begin(), order_.end(), 0);
        std::stable_sort(order_.begin(), order_.end(), [&](int a, int b) { return mean[a] < mean[b]; });
        return order_[static_cast<std::size_t>(place_)];
    }

    // Without loss of digits where p is nearly 1.
    T rest(int members, int j) const {
        T sum = 0;
        if (head_.loss == Loss::cross_entropy) {
            for (int c = 0; c < head_.outputs; ++c) sum += c == j ? T{0} : mean_.get()[c];
        } else if (head_.loss == Loss::binary_cross_entropy) {
            for (int m = 0; m < members; ++m) {
                const V z = broadcast<T>(of(a_, m)[j]);
                sum += rows::Logistic<V>(z).opposite(z)[0] / T(members);
            }
        }
        return sum;
    }

    Head head_;
    int place_;
    std::size_t columns_;
    Buffer<T> a_, each_;  // of each member: what leaves the network, and what it predicts
    Buffer<T> mean_, da_;
    std::vector<int> order_;
};

// A network with its parameters. Several threads may ask at once: each has room of its own.
template <class T>
class InputGradient {
public:
    static constexpr int rows_at_once = 64;

    InputGradient(const ProgramSpec& spec, const std::vector<const T*>& given)
        : model_(std::make_shared<Model<T>>(for_inputs(spec), rows_at_once, 0, false, Shards{})) {
        std::vector<ValueSpec>& values = model_->program.spec.values;
        for (ValueSpec& value : values) value.packed = false;  // as dW wants it
        model_->program.each([&](const auto& op) {
            if constexpr (std::is_same_v<std::decay_t<decltype(op)>, Activate<T>>)
                if (op.activation != Activation::softmax)
                    values[op.y].kept = leading<T>(padded<T>(values[op.y].width));
        });
        for (std::size_t k = 0; k < given.size(); ++k) {
            Tensor<T>& tensor = model_->tensors.all.at(k);
            tensor.read(given[k], tensor.w.get());
            tensor.renew();
        }
    }

    // Of n paths of so many points; without a gradient where g is null.
    void run(const T* X, std::int64_t n, int points, int output, T* p, T* q, T* g) const {
        const int paths = std::max(1, rows_at_once / points), inputs = model_->program.spec.inputs();
        Network<T> net(model_, static_cast<int>(std::min<std::int64_t>(n, paths)) * points);
        Middles middles(net);
        AskedOutput<T> asked(model_->program.spec, output);
        const Data<T> data{X, inputs, n * points, {}};
        for (std::int64_t first = 0; first < n; first += paths) {
            const int count = static_cast<int>(std::min<std::int64_t>(paths, n - first)) * points;
            const std::int64_t begin = first * points;
            const Batch some{count, begin, nullptr, 0, 1};
            forward(net, data, some, {0, count}, nothing);
            for (int r = 0; r < count; ++r)
                asked.predict(net.last(), count, r, p[begin + r], q[begin + r]);
            if (!g) continue;
            for (int r = 0; r < count; ++r)
                if ((r + 1) % points > 0) asked.chord(net.last(), count, r);
                else leave_out(net.last(), count, r);
            middles.backward(some.rows());
            for (int r = 0; r < count; ++r)
                if ((r + 1) % points > 0) g = std::copy_n(net.values[0].d_row(r), inputs, g);
        }
    }

private:
    static ProgramSpec for_inputs(ProgramSpec spec) {
        spec.values.front().wanted = true;
        spec.apart = true;
        return spec;
    }

    // The last row of a path, from which no chord goes.
    static void leave_out(Value<T>& last, int n, int r) {
        for (int m = 0; m < last.spec.copies; ++m)
            std::fill_n(last.d_row(m * n + r), last.columns, T{0});
    }

    // The way back of all operations, from chords or from the middles of what enters them.
    class Middles {
    public:
        explicit Middles(Network<T>& net)
            : net_(net), bends_(net.program.operations.size()), in_middle_(net.values.size()) {}

        void backward(const Rows& rows) {
            std::fill(in_middle_.begin(), in_middle_.end(), false);
            std::size_t k = 0;
            net_.program.each([&](const auto& op) { bends_[k++] = !op.chords(net_.room, rows); });
            net_.program.each_backward([&](const auto& op) {
                if (bends_[--k]) {
                    to_middles(op.x, rows.n);
                    op.forward(net_.room, rows);
                }
                op.backward(net_.room, rows);
            });
        }

    private:
        // The rows of each copy of a value become the middles between them and the next; once.
        void to_middles(int number, int n) {
            if (in_middle_[number]) return;
            in_middle_[number] = true;
            Value<T>& value = net_.values[number];
            if (!value.a && !entered_) entered_ = Buffer<T>(static_cast<std::size_t>(value.height) * value.ld);
            T* to = value.a ? value.a : entered_.get();
            for (int r = 0; r < value.spec.copies * n; ++r, to += value.ld) {
                const T *x = value.rows[r], *next = (r + 1) % n > 0 ? value.rows[r + 1] : x;
                for (int c = 0; c < value.spec.width; ++c) to[c] = (x[c] + next[c]) * T(0.5);
                value.rows[r] = to;
            }
        }

        Network<T>& net_;
        std::vector<bool> bends_, in_middle_;
        Buffer<T> entered_;  // the middles of what enters the network
    };

    std::shared_ptr<Model<T>> model_;
};

}  // namespace chainrule
