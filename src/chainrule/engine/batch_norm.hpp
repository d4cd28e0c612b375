// Normalisation over the batch: y = γ x̂ + β with x̂ = (x − μ) / √(v + ε).
//
//   μ, v   mean and variance of each column over the rows of the batch, v being the mean of (x − μ)²;
//          in prediction the running ones
//   γ, β   (i,)
//
//   dx = γ (dy − Σ dy / n − x̂ Σ dy x̂ / n) / √(v + ε), the sums only where μ and v are the batch's
//   dγ = Σ dy x̂,   dβ = Σ dy
//   running ← (1 − m) running + m · batch, its variance times n / (n − 1); one row leaves them
//
// The rows need the whole batch twice, forward and backward: between barriers each thread makes the
// statistics of its columns, over all rows in their order. `shared` of y keeps them, column by column.
// In shards, the sums for μ go by the seam first, then those for v.
#pragma once

#include <array>

#include "gains.hpp"

namespace chainrule {

template <class T>
struct BatchNorm : Operation<T> {
    using Operation<T>::x, Operation<T>::y, Operation<T>::first, Operation<T>::copies;
    using Operation<T>::way, Operation<T>::for_rows, Operation<T>::for_spans;
    using V = typename Vec<T>::type;
    static constexpr bool of_batch = true;

    enum Kept { mean, variance, total, total_along, kinds };  // what is kept of each column
    static constexpr Part forward_kinds{mean, total}, backward_kinds{total, kinds};
    static constexpr std::array forward_stages{Part{mean, variance}, Part{variance, total}};
    static constexpr std::array backward_stages{backward_kinds};

    Gains gains;
    int running_mean, running_variance;
    T epsilon, momentum;

    BatchNorm(const OperationSpec& spec, std::vector<ValueSpec>& values, std::vector<TensorSpec>&)
        : Operation<T>(spec), gains{spec.tensors[0], spec.tensors[1]},
          running_mean(spec.tensors[2]), running_variance(spec.tensors[3]),
          epsilon(T(spec.epsilon)), momentum(T(spec.momentum)) {
        values[y].shared = std::size_t{kinds} * padded<T>(values[y].width);
    }

    void gather(Room<T>& room, const Rows& rows, const Share<T>& share, Part kinds) const {
        for_columns(room.values[y].spec.width, share, [&](int c, int k) {
            for (int kind = kinds.first; kind < kinds.last; ++kind)
                settle(room, rows, kind, c,
                       sum_of(room, true, kind, first * rows.n, copies * rows.n, c, k));
        });
    }

    void sum_up(Room<T>& room, const Rows& rows, const Share<T>& share, Part kinds, T* to) const {
        const int columns = room.values[y].columns, stride = (kinds.last - kinds.first) * columns;
        for_columns(room.values[y].spec.width, share, [&](int c, int k) {
            for (int kind = kinds.first; kind < kinds.last; ++kind)
                this->template for_sums<V>(
                    rows,
                    [&](int begin, int count) { return sum_of(room, true, kind, begin, count, c, k); },
                    [&](int j, V sum) {
                        store(to + j * stride + (kind - kinds.first) * columns + c, sum);
                    });
        });
    }

    void take(Room<T>& room, const Rows& rows, const Share<T>& share, Part kinds, const T* from) const {
        const int columns = room.values[y].columns;
        for_columns(room.values[y].spec.width, share, [&](int c, int) {
            for (int kind = kinds.first; kind < kinds.last; ++kind)
                settle(room, rows, kind, c, load(from + (kind - kinds.first) * columns + c));
        });
    }

    // How many numbers the sums of some kinds have, of each subtree.
    std::size_t sums(const Room<T>& room, Part kinds) const {
        return static_cast<std::size_t>(kinds.last - kinds.first) * room.values[y].columns;
    }

    bool chords(Room<T>&, const Rows&) const { return true; }  // in prediction it is linear

    void forward(Room<T>& room, const Rows& rows) const {
        Value<T>&from = room.values[x], &to = room.values[y];
        each_column(room, rows.trains(), [&](int c, int k, const Column& column) {
            const V gain = column.inverse * load(room.tensors[gains.gamma].w.get() + c);
            const V shift = load(room.tensors[gains.beta].w.get() + c);
            for_rows(rows, [&](int r) {
                const V away = load_first(from.rows[r] + c, k) - column.mean;
                store(to.row(r) + c, multiply_add(away, gain, shift));
            });
        });
    }

    void backward(Room<T>& room, const Rows& rows) const {
        if (!way.wanted) return;
        Value<T>&from = room.values[x], &to = room.values[y];
        const T share = rows.trains() ? T(1) / T(copies * rows.whole()) : T{0};
        each_column(room, rows.trains(), [&](int c, int k, const Column& column) {
            const V gain = column.inverse * load(room.tensors[gains.gamma].w.get() + c);
            const V plain = load(kept(room, total, c)) * share;
            const V along = load(kept(room, total_along, c)) * share;
            for_rows(rows, [&](int r) {
                const V scaled = column.scaled(load_first(from.rows[r] + c, k));
                const V others = multiply_add(scaled, along, plain);
                put_first(from.d_row(r) + c, (load(to.d_row(r) + c) - others) * gain, k, way.adds);
            });
        });
    }

    void weights(Room<T>& room, const Rows& rows, const Share<T>& share, bool adds) const {
        const bool known = rows.trains() && !rows.cut;
        for_spans(rows, adds, [&](int begin, int count, bool more) {
            for_columns(room.values[y].spec.width, share, [&](int c, int k) {
                const auto sum = [&](int kind) {
                    return known ? load(kept(room, kind, c))
                                 : sum_of(room, rows.trains(), kind, begin, count, c, k);
                };
                gains.put_gradient(room, c, Gains::Sums<V>{sum(total), sum(total_along)}, more);
            });
        });
    }

    // The running statistics follow the batch's, unless they are frozen.
    V statistics(Room<T>& room, const Rows& rows, const Share<T>& share) const {
        V poison{};
        const auto count = copies * rows.whole();
        if (count == 1) return poison;
        const auto follow = [&](Tensor<T>& tensor, int kind, int c, T part) {
            if (tensor.spec.frozen) return;
            T* running = tensor.w.get() + c;
            const V batch = load(kept(room, kind, c)) * part;
            store(running, multiply_add(load(running), T{1} - momentum, batch));
            poison += load(running) * T{0};
        };
        for_columns(room.values[y].spec.width, share, [&](int c, int) {
            follow(room.tensors[running_mean], mean, c, momentum);
            follow(room.tensors[running_variance], variance, c, momentum * T(count) / T(count - 1));
        });
        return poison;
    }

    double add_squared_norm(const Room<T>& room, int n, int r, double sum) const {
        return Gains::add_squared_norm(room, *this, n, r, sum, [&](int row, int c, int k) {
            return column(room, c, false).scaled(load_first(room.values[x].rows[row] + c, k));
        });
    }

private:
    struct Column {
        V mean, inverse;

        CHAINRULE_INLINE V scaled(V x) const { return (x - mean) * inverse; }
    };

    T* kept(const Room<T>& room, int kind, int c) const {
        return room.values[y].shared_by(first) + kind * room.values[y].columns + c;
    }

    Column column(const Room<T>& room, int c, bool of_the_batch) const {
        const auto at = [&](int kind, int tensor) {
            return load(of_the_batch ? kept(room, kind, c) : room.tensors[tensor].w.get() + c);
        };
        return {at(mean, running_mean), T{1} / sqrt(at(variance, running_variance) + epsilon)};
    }

    template <class F>
    void each_column(const Room<T>& room, bool of_the_batch, F&& f) const {
        for_vectors<T>(room.values[y].spec.width, [&](int c, int k, int) {
            f(c, k, column(room, c, of_the_batch));
        });
    }

    // The sum of a kind over some rows, of the columns from c on.
    V sum_of(const Room<T>& room, bool of_the_batch, int kind, int begin, int count, int c, int k) const {
        const T* const* from = room.values[x].rows.data() + begin;
        const auto row = [&](int r) { return load_first(from[r] + c, k); };
        if (kind == mean) return sum_of_rows<T>(count, row);
        const Column of = column(room, c, of_the_batch);
        if (kind == variance)
            return sum_of_rows<T>(count, [&](int r) { return (row(r) - of.mean) * (row(r) - of.mean); });
        const T* const* d = room.values[y].d_rows.data() + begin;
        const auto dy = [&](int r) { return load(d[r] + c); };
        if (kind == total) return sum_of_rows<T>(count, dy);
        return sum_of_rows<T>(count, [&](int r) { return dy(r) * of.scaled(row(r)); });
    }

    // Keep what follows from the total of a kind.
    void settle(Room<T>& room, const Rows& rows, int kind, int c, V sum) const {
        const bool averaged = kind == mean || kind == variance;
        store(kept(room, kind, c), averaged ? sum / T(copies * rows.whole()) : sum);
    }
};

}  // namespace chainrule
