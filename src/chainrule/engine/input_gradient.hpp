// An output that a network predicts, as a function of what enters it: its value and its gradient.
//
//   X (n, inputs) → p, q (n,)       the output; of a probability, q is what it lacks to 1
//                   g (n, inputs)   ∂p/∂x
//
// Rows pass forward and back as in training, some at a time, in room that the cache holds. In the place
// of a loss stands the slope of its link. Nothing is drawn, and norms over the batch go by their
// running statistics, so that no row has a part in what another comes to.
#pragma once

#include <algorithm>
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
          columns_(padded<T>(head_.outputs)), each_(static_cast<std::size_t>(spec.members()) * columns_),
          mean_(static_cast<std::size_t>(columns_)), order_(static_cast<std::size_t>(head_.outputs)) {}

    // p and q of example r of n; and where it is wanted, ∂p/∂a in the d of what leaves the network.
    void of(Value<T>& last, int n, int r, T& p, T& q, bool wants_slope) {
        const int o = head_.outputs, members = last.spec.copies;
        T* mean = mean_.get();
        std::fill_n(mean, o, T{0});
        for (int m = 0; m < members; ++m) {
            link_head(head_.loss, o, activation(last, m * n + r), of_member(m));
            for (int c = 0; c < o; ++c) mean[c] += of_member(m)[c];
        }
        for (int c = 0; members > 1 && c < o; ++c) mean[c] /= T(members);
        const int j = place();
        p = mean[j];
        q = rest(last, n, r, j);
        for (int m = 0; wants_slope && m < members; ++m) {
            T *row = last.d_row(m * n + r), *da = row + head_.first;
            std::fill_n(row, last.columns, T{0});
            link_slope(head_.loss, o, activation(last, m * n + r), of_member(m), j, da);
            for (int c = 0; members > 1 && c < o; ++c) da[c] /= T(members);
        }
    }

private:
    static const Head& head_of(const ProgramSpec& spec, int output) {
        return *std::find_if(spec.heads.begin(), spec.heads.end() - 1, [&](const Head& head) {
            return output < head.first + head.outputs;
        });
    }

    const T* activation(const Value<T>& last, int r) const { return last.row(r) + head_.first; }
    T* of_member(int m) const { return each_.get() + static_cast<std::size_t>(m) * columns_; }

    int place() {
        if (head_.loss != Loss::quantile) return place_;
        const T* mean = mean_.get();
        std::iota(order_.begin(), order_.end(), 0);
        std::stable_sort(order_.begin(), order_.end(), [&](int a, int b) { return mean[a] < mean[b]; });
        return order_[static_cast<std::size_t>(place_)];
    }

    // Without loss of digits where p is nearly 1.
    T rest(const Value<T>& last, int n, int r, int j) const {
        T sum = 0;
        if (head_.loss == Loss::cross_entropy) {
            for (int c = 0; c < head_.outputs; ++c) sum += c == j ? T{0} : mean_.get()[c];
        } else if (head_.loss == Loss::binary_cross_entropy) {
            const int members = last.spec.copies;
            for (int m = 0; m < members; ++m) {
                const V z = broadcast<T>(activation(last, m * n + r)[j]);
                sum += rows::Logistic<V>(z).opposite(z)[0] / T(members);
            }
        }
        return sum;
    }

    Head head_;
    int place_, columns_;
    Buffer<T> each_, mean_;  // what each member predicts, and their mean
    std::vector<int> order_;
};

// A network with its parameters. Several threads may ask at once: each has room of its own.
template <class T>
class InputGradient {
public:
    InputGradient(const ProgramSpec& spec, const std::vector<const T*>& given)
        : model_(std::make_shared<Model<T>>(for_inputs(spec), rows_at_once, 0, false, Shards{})) {
        for (ValueSpec& value : model_->program.spec.values) value.packed = false;  // as dW wants it
        for (std::size_t k = 0; k < given.size(); ++k) {
            Tensor<T>& tensor = model_->tensors.all.at(k);
            tensor.read(given[k], tensor.w.get());
            tensor.renew();
        }
    }

    // Without a gradient where g is null.
    void run(const T* X, std::int64_t n, int output, T* p, T* q, T* g) const {
        const ProgramSpec& spec = model_->program.spec;
        const int inputs = spec.inputs();
        Network<T> net(model_, static_cast<int>(std::min<std::int64_t>(n, rows_at_once)));
        AskedOutput<T> asked(spec, output);
        const Data<T> data{X, inputs, n, {}};
        for (std::int64_t r0 = 0; r0 < n; r0 += rows_at_once) {
            const auto count = static_cast<int>(std::min<std::int64_t>(rows_at_once, n - r0));
            const Batch some{count, r0, nullptr, 0, 1};
            forward(net, data, some, {0, count}, nothing);
            for (int r = 0; r < count; ++r)
                asked.of(net.last(), count, r, p[r0 + r], q[r0 + r], g != nullptr);
            if (!g) continue;
            backward(net, some, {0, count}, nothing);
            for (int r = 0; r < count; ++r)
                std::copy_n(net.values[0].d_row(r), inputs, g + (r0 + r) * inputs);
        }
    }

private:
    static ProgramSpec for_inputs(ProgramSpec spec) {
        spec.values.front().wanted = true;
        return spec;
    }

    std::shared_ptr<Model<T>> model_;
};

}  // namespace chainrule
