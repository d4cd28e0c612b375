// Normalisation of each example: y = γ x̂ + β with x̂ = (x − μ) / √(v + ε).
//
//   μ, v   mean and variance of the i numbers of a row, v being the mean of (x − μ)²
//   γ, β   (i,)
//
//   dx = (g − mean(g) − x̂ mean(g x̂)) / √(v + ε), with g = γ dy
//   dγ = Σ_r dy x̂,   dβ = Σ_r dy
//
// `kept` of a row of y is μ and 1/√(v + ε).
#pragma once

#include <cmath>

#include "gains.hpp"

namespace chainrule {

// Where a row stands.
template <class T>
struct Centre {
    T mean, inverse;

    // x̂ of some numbers of the row.
    template <class V>
    CHAINRULE_INLINE V scaled(V x) const {
        return (x - mean) * inverse;
    }
};

template <class T>
Centre<T> centre_of(const T* x, int i, T epsilon) {
    const T mean = sum_of_row<T>(i, [&](int c, int k) { return load_first(x + c, k); }) / T(i);
    const T squares = sum_of_row<T>(i, [&](int c, int k) {
        const auto away = load_first(x + c, k) - mean;
        return away * away;
    });
    return {mean, T{1} / std::sqrt(squares / T(i) + epsilon)};
}

template <class T>
void normalise(const T* x, int i, Centre<T> of, const T* gamma, const T* beta, T* y) {
    for_vectors<T>(i, [&](int c, int k, int) {
        const auto scaled = of.scaled(load_first(x + c, k));
        store(y + c, multiply_add(scaled, load(gamma + c), load(beta + c)));
    });
}

template <class T>
void normalise_back(const T* x, int i, Centre<T> of, const T* gamma, const T* dy, T* dx, bool adds) {
    using V = typename Vec<T>::type;
    V sums[pieces]{}, products[pieces]{};
    const auto g = [&](int c) { return load(dy + c) * load(gamma + c); };
    for_vectors<T>(i, [&](int c, int k, int p) {  // beyond the row dy is 0
        sums[p] += g(c);
        products[p] = multiply_add(g(c), of.scaled(load_first(x + c, k)), products[p]);
    });
    const T mean = sum(sums) / T(i), along = sum(products) / T(i);
    for_vectors<T>(i, [&](int c, int k, int) {
        const V others = multiply_add(of.scaled(load_first(x + c, k)), along, broadcast<T>(mean));
        put_first(dx + c, (g(c) - others) * of.inverse, k, adds);
    });
}

template <class T>
struct LayerNorm : Operation<T> {
    using Operation<T>::x, Operation<T>::y, Operation<T>::first, Operation<T>::copies;
    using Operation<T>::way, Operation<T>::for_rows, Operation<T>::for_spans;
    using V = typename Vec<T>::type;

    Gains gains;
    T epsilon;

    LayerNorm(const OperationSpec& spec, std::vector<ValueSpec>& values, std::vector<TensorSpec>&)
        : Operation<T>(spec), gains{spec.tensors[0], spec.tensors[1]}, epsilon(T(spec.epsilon)) {
        values[y].kept = 2;
    }

    void forward(Room<T>& room, const Rows& rows) const {
        Value<T>& to = room.values[y];
        const T *gamma = room.tensors[gains.gamma].w.get(), *beta = room.tensors[gains.beta].w.get();
        for_rows(rows, [&](int r) {
            const T* from = room.values[x].rows[r];
            const Centre<T> of = centre_of(from, to.spec.width, epsilon);
            normalise(from, to.spec.width, of, gamma, beta, to.row(r));
            if (!to.kept) return;
            to.kept_row(r)[0] = of.mean;
            to.kept_row(r)[1] = of.inverse;
        });
    }

    void backward(Room<T>& room, const Rows& rows) const {
        if (!way.wanted) return;
        Value<T>&from = room.values[x], &to = room.values[y];
        const T* gamma = room.tensors[gains.gamma].w.get();
        for_rows(rows, [&](int r) {
            normalise_back(from.rows[r], to.spec.width, centre(to, r), gamma, to.d_row(r),
                           from.d_row(r), way.adds);
        });
    }

    void weights(Room<T>& room, const Rows& rows, const Share<T>& share, bool adds) const {
        for_spans(rows, adds, [&](int begin, int count, bool more) {
            for_columns(room.values[y].spec.width, share, [&](int c, int k) {
                const auto row = [&](int r) { return scaled(room, begin + r, c, k); };
                const T* const* dy = room.values[y].d_rows.data() + begin;
                gains.put_gradient(room, c, Gains::sums_of(dy, count, c, row), more);
            });
        });
    }

    double add_squared_norm(const Room<T>& room, int n, int r, double sum) const {
        return Gains::add_squared_norm(room, *this, n, r, sum, [&](int row, int c, int k) {
            return scaled(room, row, c, k);
        });
    }

private:
    static Centre<T> centre(const Value<T>& to, int r) {
        return {to.kept_row(r)[0], to.kept_row(r)[1]};
    }

    V scaled(const Room<T>& room, int r, int c, int k) const {
        return centre(room.values[y], r).scaled(load_first(room.values[x].rows[r] + c, k));
    }
};

}  // namespace chainrule
