// Predictions, from the user's own arrays.
//
//   X (n, inputs) → out (n, outputs)
//
// The operations of the program, on values of their own. One row, or a few, is read off each W as it
// lies: each output is the product of two rows, summed in as many parts as a vector has lanes. That
// takes the time it takes to read W. Where the bits are to be those of many rows, it takes twice that.
// For many rows W is laid out in panels, and blocks of rows go through all operations while they are
// in the second-level cache. So do rows of which only the entries are given, however few.
//
// An x, W or b that is not finite makes every z that it goes into not finite, for infinity times 0 is
// NaN. So where an affine reads them the z are looked at, and else they themselves; and what leaves.
#pragma once

#include <atomic>
#include <cmath>
#include <cstdint>
#include <vector>

#include "across_lanes.hpp"
#include "batch.hpp"
#include "room.hpp"

namespace chainrule {

inline constexpr int few_rows = 4;          // up to which each is predicted by itself
inline constexpr int rows_at_once = 96;

// How many outputs are summed at once, which read x once: as many as there are registers for.
inline constexpr int outputs_at_once = pieces == 1 ? 4 : 1;

// In how many sums each lane adds up: one after the other they would wait for each other. The bits of
// many rows of narrow layers have one.
inline constexpr int most_chains = 4;

// w · x for so many rows w of W, each in as many parts as a vector has lanes.
template <int rows, int chains, class T>
CHAINRULE_INLINE void products(const T* W, const T* x, int n, typename Vec<T>::type* parts) {
    constexpr int width = Vec<T>::width;
    typename Vec<T>::type sums[rows][chains][pieces]{}, all[pieces];
    const auto add = [&](int u, int p, int i, int k) {
        const auto v = load_first(x + i, k);
#pragma GCC unroll 4
        for (int j = 0; j < rows; ++j)
            sums[j][u][p] = multiply_add(load_first(W + static_cast<std::size_t>(j) * n + i, k), v,
                                         sums[j][u][p]);
    };
    int i = 0;
    for (; i + chains * wide<T> <= n; i += chains * wide<T>)
#pragma GCC unroll 4
        for (int u = 0; u < chains; ++u)
#pragma GCC unroll 4
            for (int p = 0; p < pieces; ++p) add(u, p, i + u * wide<T> + p * width, width);
    for_vectors<T>(n - i, [&](int c, int k, int p) { add(0, p, i + c, k); });
#pragma GCC unroll 4
    for (int j = 0; j < rows; ++j) {
#pragma GCC unroll 4
        for (int p = 0; p < pieces; ++p)
            if constexpr (chains == 1) all[p] = sums[j][0][p];
            else all[p] = (sums[j][0][p] + sums[j][1][p]) + (sums[j][2][p] + sums[j][3][p]);
        parts[j] = folded(all);
    }
}

// z = W x + b, or without b where it is null, for the outputs o to o + count.
template <int chains, class T>
CHAINRULE_INLINE typename Vec<T>::type weighted_inputs(const T* W, const T* b, const T* x, int in,
                                                       int o, int count) {
    typename Vec<T>::type parts[Vec<T>::width]{};
    const T* w = W + static_cast<std::size_t>(o) * in;
    int k = 0;
    for (; k + outputs_at_once <= count; k += outputs_at_once)
        products<outputs_at_once, chains>(w + static_cast<std::size_t>(k) * in, x, in, parts + k);
    for (; k < count; ++k)
        products<1, chains>(w + static_cast<std::size_t>(k) * in, x, in, parts + k);
    const auto sums = sum_of_each(parts);
    return b ? load_first(b + o, count) + sums : sums;
}

// The same summed as products of many rows are (microkernel.hpp), one input after the other: squares
// of W are turned on their side in registers.
template <class T>
CHAINRULE_INLINE typename Vec<T>::type weighted_inputs_in_order(const T* W, const T* b, const T* x,
                                                                int in, int o, int count) {
    constexpr int width = Vec<T>::width;
    auto z = b ? load_first(b + o, count) : typename Vec<T>::type{};
    for (int i = 0; i < in; i += width) {
        const int some = std::min(width, in - i);
        typename Vec<T>::type square[width]{};
#pragma GCC unroll 16
        for (int k = 0; k < width; ++k)
            if (k < count) square[k] = load_first(W + static_cast<std::size_t>(o + k) * in + i, some);
        transpose(square);
#pragma GCC unroll 16
        for (int k = 0; k < width; ++k)
            if (k < some) z = multiply_add(square[k], x[i + k], z);
    }
    return z;
}

// One head's prediction for an example, from its activation: the loss's link.
template <class T>
void link_head(Loss loss, int o, const T* a, T* out) {
    using V = typename Vec<T>::type;
    const auto each = [&](auto&& f) {
        for_vectors<T>(o, [&](int c, int k, int) { store_first(out + c, f(c, k), k); });
    };
    if (loss == Loss::cross_entropy) {
        rows::softmax(a, o, out);
    } else if (loss == Loss::binary_cross_entropy) {
        each([&](int c, int k) {
            return rows::Logistic<V>(load_first(a + c, k)).sigmoid(broadcast<T>(1));
        });
    } else if (loss == Loss::poisson) {
        each([&](int c, int k) { return exp(load_first(a + c, k)); });
    } else if (out != a) {
        std::copy_n(a, o, out);
    }
}

template <class T>
void link_row(const std::vector<Head>& heads, const T* a, T* out) {
    for (const Head& head : heads)
        link_head(head.loss, head.outputs, a + head.first, out + head.first);
}

// The mean of the members' predictions for an example, from their activations, which are lost.
template <class T>
void link_members(const std::vector<Head>& heads, int o, Value<T>& last, int n, int r, T* out) {
    const int members = last.spec.copies;
    link_row(heads, last.row(r), out);
    for (int m = 1; m < members; ++m) {
        T* a = last.row(m * n + r);
        link_row(heads, a, a);
        for (int c = 0; c < o; ++c) out[c] += a[c];
    }
    for (int c = 0; members > 1 && c < o; ++c) out[c] /= T(members);
}

// One row at a time; `given` are the user's arrays, one for each tensor.
template <class T>
class FewRows {
    using V = typename Vec<T>::type;

public:
    explicit FewRows(const Program<T>& program)
        : program_(program), checks_(program), tensors_(specs(program, checks_), 0, false),
          own_(program, tensors_, 1), room_(own_.room),
          x_(static_cast<std::size_t>(program.spec.inputs())) {
        room_.values[0].rows[0] = x_.get();
    }

    // False where something is not finite. `in_order`, the bits are those of many rows.
    bool run(const T* const* given, const T* X, std::int64_t n, T* out, bool in_order) {
        in_order_ = in_order;
        V poison{};
        for (std::size_t k = 0; k < tensors_.all.size(); ++k)
            if (!checks_.of_affine[k]) poison += take(tensors_.all[k], given[k]);
        for (std::int64_t r = 0; r < n; ++r)
            poison += row(given, X + r * program_.spec.inputs(), out + r * program_.spec.outputs());
        return sum_of_lanes(poison) == 0;
    }

private:
    // Only what no affine reads is copied.
    static std::vector<TensorSpec> specs(const Program<T>& program, const Checks<T>& checks) {
        std::vector<TensorSpec> made = for_prediction(program);
        for (std::size_t k = 0; k < made.size(); ++k)
            if (checks.of_affine[k]) made[k].rows = made[k].columns = 0;
        return made;
    }

    static V take(Tensor<T>& tensor, const T* given) {
        tensor.read(given, tensor.w.get());
        tensor.renew();
        return poison_in(tensor.w.get(), tensor.count);
    }

    V row(const T* const* given, const T* x, T* out) {
        const ProgramSpec& spec = program_.spec;
        V poison{};
        std::copy_n(x, spec.inputs(), x_.get());
        if (checks_.inputs) poison += poison_in(x_.get(), static_cast<std::size_t>(spec.inputs()));
        program_.each([&](const auto& op) { poison += pass(op, given); });
        Value<T>& last = room_.values[spec.output];
        for (int m = 0; checks_.output && m < last.spec.copies; ++m)
            poison += poison_in(last.row(m), static_cast<std::size_t>(spec.outputs()));
        link_members(spec.heads, spec.outputs(), last, 1, 0, out);
        return poison;
    }

    template <class Op>
    V pass(const Op& op, const T* const*) {
        op.forward(room_, Rows{1, 0, 1, 0});
        return V{};
    }
    V pass(const Affine<T>& op, const T* const* given) {
        V poison{};
        for (int c = op.first; c < op.first + op.copies; ++c)
            poison += pass_row(op, given[op.W], op.b < 0 ? nullptr : given[op.b],
                               room_.values[op.x].rows[c],
                               room_.values[op.x].spec.width, room_.values[op.y].row(c),
                               room_.values[op.y].spec.width);
        return poison;
    }

    V pass_row(const Affine<T>& op, const T* W, const T* b, const T* x, int in, T* a, int out) const {
        constexpr int width = Vec<T>::width;
        V poison{};
        with_activation(op.activation, [&]<Activation A>() {
            for (int o = 0; o < out; o += width) {
                const int some = std::min(width, out - o);
                const auto z = !in_order_ ? weighted_inputs<most_chains>(W, b, x, in, o, some)
                               : has_few_outputs(in, out)
                                   ? weighted_inputs<1>(W, b, x, in, o, some)
                                   : weighted_inputs_in_order(W, b, x, in, o, some);
                V value, slope;
                activate<A, T>(z, op.parameter, value, slope);
                store(a + o, value);
                poison += z * T{0};
            }
        });
        if (op.activation == Activation::softmax) rows::softmax(a, out, a);
        return poison;
    }

    const Program<T>& program_;
    Checks<T> checks_;
    Tensors<T> tensors_;
    PredictionRoom<T> own_;
    Room<T> room_;
    Buffer<T> x_;  // the row, where no vector of it is split over two lines of the cache
    bool in_order_ = false;
};

// Many rows, on a team of threads.
template <class T>
class ManyRows {
    using V = typename Vec<T>::type;

public:
    ManyRows(const Program<T>& program, const T* const* given)
        : program_(program), checks_(program), tensors_(for_prediction(program), 0, false) {
        for (std::size_t k = 0; k < tensors_.all.size(); ++k) {
            tensors_.all[k].read(given[k], tensors_.all[k].w.get());
            tensors_.all[k].renew();
        }
    }

    bool run(const Data<T>& data, T* out, int threads, int cores) {
        const auto blocks = static_cast<int>((data.n + rows_at_once - 1) / rows_at_once);
        std::vector<PredictionRoom<T>> rooms;  // here, where an exception still reaches the caller
        rooms.reserve(static_cast<std::size_t>(threads));
        for (int t = 0; t < threads; ++t) rooms.emplace_back(program_, tensors_, rows_at_once);
        if (!tensors_are_finite()) return false;
        share_out(blocks, threads, cores, [&](int k, int t) {
            if (!failed_)
                predict_block(data, static_cast<std::int64_t>(k) * rows_at_once, rooms[t].room, out);
        });
        return !failed_;
    }

private:
    bool tensors_are_finite() const {
        V poison{};
        for (std::size_t k = 0; k < tensors_.all.size(); ++k)
            if (!checks_.of_affine[k])
                poison += poison_in(tensors_.all[k].w.get(), tensors_.all[k].count);
        return sum_of_lanes(poison) == 0;
    }

    void predict_block(const Data<T>& data, std::int64_t r0, Room<T>& room, T* out) {
        const ProgramSpec& spec = program_.spec;
        const auto count = static_cast<int>(std::min<std::int64_t>(rows_at_once, data.n - r0));
        const auto inputs = static_cast<std::size_t>(spec.inputs());
        V poison{};
        for (int r = 0; r < count; ++r) {
            data.enter(room.values[0], r, r0 + r);
            if (checks_.inputs) poison += poison_in(room.values[0].rows[r], inputs);
        }
        const Rows rows{count, 0, count, 0};
        program_.each([&](const auto& op) { pass(op, room, rows, poison); });
        Value<T>& last = room.values[spec.output];
        for (int r = 0; checks_.output && r < count * last.spec.copies; ++r)
            poison += poison_in(last.row(r), static_cast<std::size_t>(spec.outputs()));
        for (int r = 0; r < count; ++r)
            link_members(spec.heads, spec.outputs(), last, count, r, out + (r0 + r) * spec.outputs());
        if (!(sum_of_lanes(poison) == 0)) failed_ = true;
    }

    template <class Op>
    static void pass(const Op& op, Room<T>& room, const Rows& rows, V&) {
        op.forward(room, rows);
    }
    static void pass(const Affine<T>& op, Room<T>& room, const Rows& rows, V& poison) {
        op.forward(room, rows, [&](const T* z) { poison += load(z) * T{0}; });
    }

    const Program<T>& program_;
    Checks<T> checks_;
    Tensors<T> tensors_;
    std::atomic<bool> failed_{false};
};

}  // namespace chainrule
