// Periodic embeddings: each input number becomes itself and v numbers more.
//
//   frequency, phase   (f, m)      angle = 2π frequency x + phase   (m,) for each of f inputs
//   W   (f · v, m)     b (f, v)    y = x, W cos(angle) + b          (1 + v,)
//
//   with g = dy of the v numbers, and u = −sin(angle) ⊙ Wᵀ g   (m,)
//
//   dW = Σ g ⊗ cos(angle),   db = Σ g,   dphase = Σ u,   dfrequency = 2π Σ x u
//   dx = dy of x itself + 2π u · frequency
//
// Lanes are examples: as many rows at a time as the widest vectors have lanes, so that the sums over
// the rows are the same on every width. `shared` of y has room for the sums of each input.
//
// Gorishniy and others (2022), On embeddings for numerical features in tabular deep learning;
// Holzmüller and others (2024), Better by default.
#pragma once

#include "layout.hpp"
#include "trigonometry.hpp"

namespace chainrule {

template <class T>
struct Periodic : LaidOut<T> {
    using LaidOut<T>::x, LaidOut<T>::y, LaidOut<T>::first, LaidOut<T>::copies;
    using LaidOut<T>::way, LaidOut<T>::places, LaidOut<T>::features, LaidOut<T>::for_copies;
    using LaidOut<T>::for_spans;
    using V = typename Vec<T>::type;
    static constexpr int lanes = wide<T>;
    static constexpr T full_turn = T(6.283185307179586477);

    int frequency, phase, W, b;
    int m, v;

    Periodic(const OperationSpec& spec, std::vector<ValueSpec>& values, std::vector<TensorSpec>& tensors)
        : LaidOut<T>(spec, values[spec.inputs[0]].width, tensors[spec.tensors[3]].columns + 1),
          frequency(spec.tensors[0]), phase(spec.tensors[1]), W(spec.tensors[2]), b(spec.tensors[3]),
          m(tensors[frequency].columns), v(tensors[b].columns) {
        values[y].shared = features * (block() + sums() * lanes);
    }

    void forward(Room<T>& room, const Rows& rows) const {
        for_copies(rows, [&](int r0, int r1) {
            this->pass(room, r0, r1);
            for_blocks(r0, r1, [&](const Place& at, int r, int count) { embed(room, at, r, count); });
        });
    }

    void backward(Room<T>& room, const Rows& rows) const {
        if (!way.wanted) return;
        for_copies(rows, [&](int r0, int r1) {
            this->pass_back(room, r0, r1);
            for_blocks(r0, r1, [&](const Place& at, int r, int count) { go_back(room, at, r, count); });
        });
    }

    // Each thread has inputs of its own.
    void weights(Room<T>& room, const Rows& rows, const Share<T>& share, bool adds) const {
        const Part mine = share.of(features);
        for (const Place& at : places)
            if (at.feature >= mine.first && at.feature < mine.last)
                for_spans(rows, adds, [&](int begin, int count, bool more) {
                    take(room, at.feature, summed(room, at, begin, count), more);
                });
    }

    // Entry by entry, for all copies have a part in each.
    double add_squared_norm(const Room<T>& room, int n, int r, double sum) const {
        for (const Place& at : places)
            if (at.feature >= 0) sum = add_squares(room, at, n, r, sum);
        return sum;
    }

private:
    // The arrays of one input.
    struct Own {
        const T *frequency, *phase, *W, *b;
        long ld;  // of W

        CHAINRULE_INLINE V turning(int j) const { return broadcast<T>(full_turn * frequency[j]); }
        CHAINRULE_INLINE SineCosine<V> at_angle(int j, V x) const {
            return sine_cosine(multiply_add(x, turning(j), phase[j]));
        }
        // Wᵀ g for angle j, of `some` numbers from v0 on, whose g are that many widest vectors.
        CHAINRULE_INLINE V against(int j, int v0, int some, const T* g) const {
            V back{};
            for (int k = 0; k < some; ++k)
                back = multiply_add(load(g + k * lanes), W[(v0 + k) * ld + j], back);
            return back;
        }
    };

    Own own(const Room<T>& room, int feature) const {
        const auto row = [&](int tensor, int k) { return room.tensors[tensor].row(k); };
        return {row(frequency, feature), row(phase, feature), row(W, feature * v), row(b, feature),
                room.tensors[W].ld};
    }

    // How many numbers a block of rows has, and how many sums an input has.
    std::size_t block() const { return static_cast<std::size_t>(v + 1) * lanes; }
    std::size_t sums() const { return static_cast<std::size_t>(m) * (v + 2) + v; }

    // f(place, r, count) with each block of rows r to r + count, for each input that is embedded.
    template <class F>
    void for_blocks(int r0, int r1, F&& f) const {
        for (int r = r0; r < r1; r += lanes)
            for (const Place& at : places)
                if (at.feature >= 0) f(at, r, std::min(lanes, r1 - r));
    }

    // f(lane) for each vector of as many lanes as the widest have.
    template <class F>
    CHAINRULE_INLINE static void for_lanes(F&& f) {
#pragma GCC unroll 4
        for (int p = 0; p < pieces; ++p) f(p * Vec<T>::width);
    }

    // Column c of some rows, one after the other; lanes beyond them are 0.
    static void gather(const std::vector<const T*>& rows, int r, int count, int c, T* to) {
        for (int k = 0; k < count; ++k) to[k] = rows[r + k][c];
        std::fill(to + count, to + lanes, T{0});
    }

    void embed(Room<T>& room, const Place& at, int r, int count) const {
        constexpr int most = 4;
        alignas(64) T from[lanes], to[most][lanes];
        const Own of = own(room, at.feature);
        gather(room.values[x].rows, r, count, at.input, from);
        const auto scatter = [&](const T* numbers, int column) {
            for (int k = 0; k < count; ++k) room.values[y].row(r + k)[at.output + column] = numbers[k];
        };
        scatter(from, 0);
        for (int v0 = 0; v0 < v; v0 += most) {
            const int some = std::min(most, v - v0);
            for_lanes([&](int lane) { mix<most>(of, load(from + lane), v0, some, &to[0][lane]); });
            for (int k = 0; k < some; ++k) scatter(to[k], 1 + v0 + k);
        }
    }

    // W cos(angle) + b, `some` of its numbers from v0 on.
    template <int most>
    CHAINRULE_INLINE void mix(const Own& of, V x, int v0, int some, T* to) const {
        V sums[most]{};
#pragma GCC unroll 4
        for (int k = 0; k < most; ++k)
            if (k < some) sums[k] = broadcast<T>(of.b[v0 + k]);
        for (int j = 0; j < m; ++j) {
            const V cosine = of.at_angle(j, x).cosine;
#pragma GCC unroll 4
            for (int k = 0; k < most; ++k)
                if (k < some) sums[k] = multiply_add(cosine, of.W[(v0 + k) * of.ld + j], sums[k]);
        }
#pragma GCC unroll 4
        for (int k = 0; k < most; ++k)
            if (k < some) store(to + k * lanes, sums[k]);
    }

    void go_back(Room<T>& room, const Place& at, int r, int count) const {
        constexpr int most = 4;
        alignas(64) T from[lanes], dx[lanes], g[most * lanes];
        const Own of = own(room, at.feature);
        const auto& dy = room.values[y].d_rows;
        gather(room.values[x].rows, r, count, at.input, from);
        gather(dy, r, count, at.output, dx);
        for (int v0 = 0; v0 < v; v0 += most) {
            const int some = std::min(most, v - v0);
            for (int k = 0; k < some; ++k) gather(dy, r, count, at.output + 1 + v0 + k, g + k * lanes);
            for_lanes([&](int lane) {
                V sum = load(dx + lane);
                for (int j = 0; j < m; ++j) {
                    const V sine = of.at_angle(j, load(from + lane)).sine;
                    sum = multiply_add(-sine * of.against(j, v0, some, g + lane), of.turning(j), sum);
                }
                store(dx + lane, sum);
            });
        }
        for (int k = 0; k < count; ++k) this->give(room.values[x].d_row(r + k)[at.input], dx[k]);
    }

    // The sums of an input's gradient over n rows, each a widest vector: for each angle that of x u and
    // that of u, then those of g ⊗ cos(angle), then those of g.
    T* summed(Room<T>& room, const Place& at, int begin, int n) const {
        T* numbers = room.values[y].shared_by(first) + at.feature * (block() + sums() * lanes);
        T *g = numbers + lanes, *made = numbers + block();
        std::fill_n(made, sums() * lanes, T{0});
        const Own of = own(room, at.feature);
        const auto& dy = room.values[y].d_rows;
        for (int r = 0; r < n; r += lanes) {
            const int count = std::min(lanes, n - r);
            gather(room.values[x].rows, begin + r, count, at.input, numbers);
            for (int k = 0; k < v; ++k)
                gather(dy, begin + r, count, at.output + 1 + k, g + k * lanes);
            for_lanes([&](int lane) { add_up(of, load(numbers + lane), g + lane, made + lane); });
        }
        return made;
    }

    CHAINRULE_INLINE void add_up(const Own& of, V x, const T* g, T* made) const {
        const auto add = [](T* to, V a, V b) { store(to, multiply_add(a, b, load(to))); };
        T* products = made + 2 * m * lanes;
        for (int j = 0; j < m; ++j, made += 2 * lanes) {
            const auto [sine, cosine] = of.at_angle(j, x);
            const V u = -sine * of.against(j, 0, v, g);
            add(made, u, x);
            store(made + lanes, load(made + lanes) + u);
            for (int k = 0; k < v; ++k) add(products + (k * m + j) * lanes, load(g + k * lanes), cosine);
        }
        T* plain = products + v * m * lanes;
        for (int k = 0; k < v; ++k, plain += lanes) store(plain, load(plain) + load(g + k * lanes));
    }

    void take(Room<T>& room, int feature, const T* made, bool adds) const {
        const auto next = [&](T& number, T factor) {
            V parts[pieces];
            for (int p = 0; p < pieces; ++p) parts[p] = load(made + p * Vec<T>::width);
            const T value = factor * sum(parts);
            number = adds ? number + value : value;
            made += lanes;
        };
        const auto row = [&](int tensor, int k) { return room.gradient(tensor, k); };
        for (int j = 0; j < m; ++j) {
            next(row(frequency, feature)[j], full_turn);
            next(row(phase, feature)[j], 1);
        }
        for (int k = 0; k < v; ++k)
            for (int j = 0; j < m; ++j) next(row(W, feature * v + k)[j], 1);
        for (int k = 0; k < v; ++k) next(row(b, feature)[k], 1);
    }

    double add_squares(const Room<T>& room, const Place& at, int n, int r, double sum) const {
        const Own of = own(room, at.feature);
        const auto of_copies = [&](auto&& part) {  // the square of Σ part(x, g) over the copies
            double all = 0;
            for (int row = first * n + r; row < (first + copies) * n; row += n)
                all += part(room.values[x].rows[row][at.input],
                            room.values[y].d_rows[row] + at.output + 1);
            sum = multiply_add(all, all, sum);
        };
        const auto angle = [&](int j, T x) { return of.at_angle(j, broadcast<T>(x)); };
        const auto u = [&](int j, T x, const T* g) {
            double back = 0;
            for (int k = 0; k < v; ++k) back += double(g[k]) * of.W[k * of.ld + j];
            return -angle(j, x).sine[0] * back;
        };
        for (int j = 0; j < m; ++j) {
            of_copies([&](T x, const T* g) { return full_turn * x * u(j, x, g); });
            of_copies([&](T x, const T* g) { return u(j, x, g); });
            for (int k = 0; k < v; ++k)
                of_copies([&](T x, const T* g) { return double(g[k]) * angle(j, x).cosine[0]; });
        }
        for (int k = 0; k < v; ++k) of_copies([&](T, const T* g) { return double(g[k]); });
        return sum;
    }
};

}  // namespace chainrule
