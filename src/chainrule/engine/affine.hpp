// The affine operation, with the activation and the dropouts behind it where they are fused.
//
//   x (n, i) → z = x Wᵀ + b → a = f(z), slope = f′(z)        forward, by rows of the batch
//   delta (n, o) = d ⊙ slope, dx = delta W                    backward, by rows of the batch
//   dW (i, o) = Σ x ⊗ delta                                   by rows of the weights
//
// `kept` of y is the slope, where it cannot be had from a; of a softmax it is a before dropout.
#pragma once

#include "bfloat16_products.hpp"
#include "narrow.hpp"
#include "operation.hpp"
#include "softmax.hpp"

namespace chainrule {

template <class T>
struct Affine : Operation<T> {
    using Operation<T>::x, Operation<T>::y, Operation<T>::first, Operation<T>::copies;
    using Operation<T>::way, Operation<T>::for_copies;
    using V = typename Vec<T>::type;
    static constexpr int NR = panel_width<T>, w = Vec<T>::width;

    int W, b;  // b is −1 where there is none
    Activation activation;
    T parameter;
    std::vector<Dropout> dropouts;
    bool finished;
    const Affine* finishes = nullptr;  // the program says which

    Affine(const OperationSpec& spec, std::vector<ValueSpec>& values, std::vector<TensorSpec>& tensors)
        : Operation<T>(spec), W(spec.tensors[0]), b(spec.tensors.size() > 1 ? spec.tensors[1] : -1),
          activation(spec.activation),
          parameter(T(spec.parameter)), dropouts(spec.dropouts), finished(spec.finished),
          sparse_(values[x].sparse && !values[x].expanded) {
        tensors[W].narrow = has_few_outputs(values[x].width, values[y].width) && !sparse();
        tensors[W].panels = !tensors[W].narrow;
        tensors[W].transposed = tensors[W].panels && way.wanted;
        const int columns = padded<T>(values[y].width);
        values[y].packed = tensors[W].panels && columns > NR && !in_bfloat16<T>;
        if (in_bfloat16<T> && tensors[W].panels) values[x].halves = values[y].d_halves = true;
        if (!slope_from_output(activation) || !dropouts.empty()) values[y].kept = leading<T>(columns);
    }

    // `look` is called with each z, vector by vector.
    template <class Look>
    void forward(Room<T>& room, const Rows& rows, Look&& look) const {
        for_copies(rows, [&](int r0, int r1) { forward_rows(room, rows, r0, r1, look); });
    }
    void forward(Room<T>& room, const Rows& rows) const {
        forward(room, rows, [](const T*) {});
    }

    CHAINRULE_INLINE void backward(Room<T>& room, const Rows& rows) const {
        for_copies(rows, [&](int r0, int r1) {
            if (!finished) finish(room.values[y], r0, r1);
            if (way.wanted) pass_back(room, r0, r1);
        });
    }

    // Whether what it reads are entries of rows.
    bool sparse() const { return !small_code && sparse_; }

    // Where an activation is fused with it, it is not linear.
    bool chords(Room<T>&, const Rows&) const { return activation == Activation::identity; }

    std::size_t packing(const Room<T>& room) const {
        const Value<T>& to = room.values[y];
        const bool packs = in_bfloat16<T> || (packs_columns<T>(to.columns) && !sparse());
        return packs ? packing_room<T>(to.height, room.tensors[W].in) : 0;
    }

    // |∂C/∂(W, b)|² = |delta|² (|x|² + 1): Goodfellow (2015), Efficient per-example gradient
    // computations. Of several copies it is Σ (delta · delta′)(x · x′ + 1), over all pairs.
    double add_squared_norm(const Room<T>& room, int n, int r, double sum) const {
        const Value<T>&from = room.values[x], &to = room.values[y];
        const int biases = b < 0 ? 0 : 1;
        if (sparse())
            return multiply_add(square(to.d_rows[r], to.spec.width), from.entries[r].square() + biases, sum);
        for (int c = first; c < first + copies; ++c) {
            const T *delta = to.d_rows[c * n + r], *row = from.rows[c * n + r];
            sum = multiply_add(square(delta, to.spec.width), square(row, from.spec.width) + biases, sum);
            for (int other = first; other < c; ++other)
                sum += 2 * inner_product(delta, to.d_rows[other * n + r], to.spec.width) *
                       (inner_product(row, from.rows[other * n + r], from.spec.width) + biases);
        }
        return sum;
    }

    // Whether dW is so large that its tiles look ahead.
    bool looks_ahead(const Room<T>& room) const {
        const Tensor<T>& weights = room.tensors[W];
        return !in_bfloat16<T> && packs_columns<T>(weights.columns) &&
               is_far<T>(weights.in, weights.columns) && !sparse();
    }

    // Calls use(j, place, count, g) with each run of dW for the inputs i0 to i1: g holds its count
    // vectors, which belong to W from `place` on, of subtree j. wanted(place) is what `use` will read and
    // write there. A thread's packing has room for `packing_room` numbers.
    template <bool in_shards, bool far, class Wanted, class Use>
    void gradient(const Room<T>& room, const Rows& batch, int i0, int i1, const Share<T>& share,
                  Wanted&& wanted, Use&& use) const {
        const Tensor<T>& weights = room.tensors[W];
        if (weights.spec.narrow) return gradient_by_outputs<in_shards>(room, batch, i0, i1, use);
        if constexpr (in_bfloat16<T>)
            gradient_of_pairs(room.values[x], room.values[y], weights, first * batch.n,
                              (first + copies) * batch.n, i0, i1, share.packing, wanted, use);
        else gradient_by_tiles<in_shards, far>(room, batch, i0, i1, share, wanted, use);
    }

    // use(j, db) for the vector of outputs from `column` on, in the order of the rows, of subtree j.
    template <bool in_shards, class Use>
    CHAINRULE_INLINE void bias_gradient(const Room<T>& room, const Rows& batch, int column,
                                        Use&& use) const {
        const Value<T>& to = room.values[y];
        const int panel = column / NR * NR;
        const long step = delta_step(to, panel);
        const T* all = delta_panel(to, panel) + (column - panel);
        const auto part = [&](int begin, int K) {
            const T* p = all + begin * step;
            V sums[4]{};
            int r = 0;
            for (; r + 4 <= K; r += 4, p += 4 * step)
#pragma GCC unroll 4
                for (int k = 0; k < 4; ++k) sums[k] += load(p + k * step);
            for (; r < K; ++r, p += step) sums[0] += load(p);
            return (sums[0] + sums[1]) + (sums[2] + sums[3]);
        };
        if constexpr (in_shards) this->template for_sums<V>(batch, part, use);
        else use(0, part(first * batch.n, copies * batch.n));
    }

private:
    bool sparse_;

    // The same of few outputs: a tile has some vectors of inputs for each of them.
    template <bool in_shards, class Use>
    void gradient_by_outputs(const Room<T>& room, const Rows& batch, int i0, int i1, Use&& use) const {
        const Tensor<T>& weights = room.tensors[W];
        const Value<T>& to = room.values[y];
        const T* const* from = room.values[x].rows.data() + first * batch.n;
        const T* delta = to.d.get() + first * batch.n * to.ld;
        alignas(64) T g[in_shards ? most_depth + 1 : 1][most_rows * NR];
        for (int i = i0, vectors; i < i1; i += vectors * w) {
            vectors = tile_inputs(weights.out, (i1 - i + w - 1) / w);
            const auto make = [&](int begin, int count, T* made) {
                narrow_gradient(from + begin, i, weights.in, weights.out, vectors, count,
                                delta + begin * to.ld, to.ld, made);
            };
            const auto done = [&](int j) {
                for (int o = 0; o < weights.out; ++o)
                    use(j, static_cast<std::size_t>(o * weights.ld + i), vectors,
                        static_cast<const T*>(g[0] + o * vectors * w));
            };
            if constexpr (in_shards) {
                tile_by_shards(batch, weights.out * vectors * w, g, make, done);
            } else {
                make(0, copies * batch.n, g[0]);
                done(0);
            }
        }
    }

    template <bool in_shards, bool far, class Wanted, class Use>
    CHAINRULE_INLINE void gradient_by_tiles(const Room<T>& room, const Rows& batch, int i0, int i1,
                                            const Share<T>& share, Wanted& wanted, Use& use) const {
        const Tensor<T>& weights = room.tensors[W];
        const Value<T>& to = room.values[y];
        const T* const* from = room.values[x].rows.data() + first * batch.n;
        T* const packing = share.packing;
        const int K = copies * batch.n;
        alignas(64) T g[in_shards ? most_depth + 1 : 1][most_rows * NR];
        const bool packs = far || (packs_columns<T>(weights.columns) && !sparse());
        if (sparse()) share.by_column->turn(room.values[x].entries.data(), K, i0, i1);
        for (int m0 = i0; m0 < i1; m0 += block) {
            const int m1 = std::min(i1, m0 + block);
            if (packs) pack_columns(from, K, m0, m1, packing);
            for (int column = 0; column < weights.columns; column += NR) {
                const int vectors = weights.vectors(column);
                const long ldb = delta_step(to, column);
                const T *B = delta_panel(to, column) + first * batch.n * ldb, *q = packing;
                [[maybe_unused]] Lines lines;
                if constexpr (far) lines = next_delta(to, column, batch.n, m1 - m0);
                for (int i = m0, rows; i < m1; i += rows) {
                    rows = tile_rows(m1 - i);
                    const std::size_t place = weights.at(column, i);
                    if constexpr (!far && !small_code)
                        if (!sparse())  // of which a tile is too short to hide what it asks for
                            ask_for(wanted(place), rows * vectors * vector_bytes);
                    const auto make = [&](int begin, int count, T* made) CHAINRULE_INLINE_IF_SMALL {
                        if (sparse())
                            return share.by_column->tile(i, rows, vectors, begin, count, B, ldb, made);
                        const T* b = B + begin * ldb;
                        with_tile(rows, vectors, [&]<int MR, int NV>() CHAINRULE_INLINE_IF_SMALL {
                            if constexpr (far)
                                tile_of_packed<MR, NV>(
                                    q, K, b, ldb, made,
                                    AheadOfGradient<T>(lines, wanted(place), MR * NV * vector_bytes, K));
                            else if (packs)
                                tile_of_packed<MR, NV>(q + begin * MR, count, b, ldb, made, Nearby{});
                            else tile_of_columns<MR, NV>(from + begin, i, count, b, ldb, made);
                        });
                    };
                    const auto done = [&](int j) CHAINRULE_INLINE_IF_SMALL {
                        use(j, place, rows * vectors, static_cast<const T*>(g[0]));
                    };
                    if constexpr (in_shards) {
                        tile_by_shards(batch, rows * vectors * w, g, make, done);
                    } else {
                        make(0, K, g[0]);
                        done(0);
                    }
                    if (packs) q += static_cast<std::size_t>(rows) * K;
                }
            }
        }
    }

    // A tile of dW for each subtree: make(begin, count, to) makes that of some rows.
    template <class Make, class Done>
    void tile_by_shards(const Rows& batch, int count, T (*g)[most_rows * NR], Make&& make,
                        Done&& done) const {
        const auto add = [&](T* to, const T* more) {
            for (int u = 0; u < count; u += w) put(to + u, load(more + u), true);
        };
        T* next = g[most_depth];
        batch.cut->in_trees(
            [&](int, int begin, int end, int level) {
                make(begin, end - begin, g[level]);
                for (int c = 1; c < copies; ++c) {
                    make(c * batch.n + begin, end - begin, next);
                    add(g[level], next);
                }
            },
            [&](int, int level) { add(g[level], g[level + 1]); }, done);
    }

    template <class Look>
    void forward_rows(Room<T>& room, const Rows& all, int r0, int r1, Look&& look) const {
        const Tensor<T>& weights = room.tensors[W];
        Value<T>& to = room.values[y];
        const T* const* from = room.values[x].rows.data();
        const T* bias = b < 0 ? nullptr : room.tensors[b].w.get();
        T *a = to.a, *slopes = to.kept.get();
        const auto done = [&](int r, int rows, int column, int vectors) {
            for_each_vector<T>(to.ld, r, rows, column, vectors, [&](long k) { look(a + k); });
            activate_tile(activation, parameter, a, slopes, to.ld, r, rows, column, vectors);
        };
        if (weights.spec.narrow)
            narrow_product(from, r0, r1, weights, bias, a, to.ld, done);
        else if (sparse())
            sparse_product(room.values[x].entries.data(), r0, r1, weights.in, weights.w.get(),
                           weights.columns, bias, a, to.ld, done);
        else
            multiply(room.values[x], weights, all, r0, r1, Start<T>{bias, false}, to, done);
        if (activation == Activation::softmax) over_rows(to, r0, r1);
        if (!all.trains()) return;
        const bool whole = activation == Activation::softmax;
        for (const Dropout& dropout : dropouts)
            silence<T>(dropout, all.step, all.place(r0), r0, r1, to.spec.width, whole ? 1 : 2,
                       [&](int array, int r) { return array == 0 ? to.row(r) : to.kept_row(r); });
    }

    // Products in bfloat16 where the module has them; what only predicts has the weights as they are.
    template <class Done>
    static void multiply(const Value<T>& from, const Tensor<T>& weights, const Rows& all, int r0, int r1,
                         Start<T> start, Value<T>& to, Done&& done) {
        if constexpr (in_bfloat16<T>)
            if (all.trains())
                return product_of_halves(from, weights, r0, r1, start, to.a, to.ld, done);
        product(from.rows.data(), r0, r1, weights.in, weights.w.get(), weights.columns, start, to.a, to.ld,
                done);
    }

    static void over_rows(Value<T>& to, int r0, int r1) {
        for (int r = r0; r < r1; ++r) {
            rows::softmax(to.row(r), to.spec.width, to.row(r));
            if (to.kept) std::copy_n(to.row(r), to.spec.width, to.kept_row(r));  // before dropout
        }
    }

    void pass_back(Room<T>& room, int r0, int r1) const {
        const Tensor<T>& weights = room.tensors[W];
        Value<T>& from = room.values[x];
        const Value<T>& to = room.values[y];
        const Start<T> start{nullptr, way.adds};
        const int columns = padded<T>(weights.in);
        const auto done = [&](int r, int rows, int column, int vectors) {
            if (finishes) finishes->finish_tile(from, r, rows, column, vectors);
        };
        if (weights.spec.narrow)
            narrow_product_back(to.d.get(), to.ld, r0, r1, weights, way.adds, from.d.get(), from.ld, done);
        else if constexpr (in_bfloat16<T>)
            product(to.d_halves.rows.data(), r0, r1, even(weights.out), weights.transposed_pairs.get(),
                    columns, start, from.d.get(), from.ld, done);
        else
            product(to.d_rows.data(), r0, r1, weights.out, weights.transposed.get(), columns, start,
                    from.d.get(), from.ld, done);
        if (finishes) finishes->finish_rows(from, r0, r1);
    }

    // d, which stands in y, becomes delta.
    void finish(Value<T>& to, int r0, int r1) const {
        for (int column = 0; column < to.columns; column += NR)
            finish_tile(to, r0, r1 - r0, column, to.columns - column > w ? 2 : 1);
        finish_rows(to, r0, r1);
    }

    void finish_tile(Value<T>& to, int r, int rows, int column, int vectors) const {
        if (activation == Activation::softmax) return;  // see finish_rows
        slope_tile(activation, parameter, to.a, to.kept.get(), to.d.get(), to.ld, r, rows, column, vectors);
        pack_delta(to, r, rows, column, vectors);
    }

    // The same for an activation that needs its whole rows, once all their tiles are there.
    void finish_rows(Value<T>& to, int r0, int r1) const {
        if (activation != Activation::softmax) return;
        for (int r = r0; r < r1; ++r)
            rows::softmax_delta(to.kept_row(r), to.row(r), to.spec.width, to.d_row(r));
        for (int column = 0; column < to.columns; column += NR)
            pack_delta(to, r0, r1 - r0, column, to.columns - column > w ? 2 : 1);
    }

    // A tile of delta once more, where the product of dW wants it packed.
    static void pack_delta(Value<T>& to, int r, int rows, int column, int vectors) {
        if constexpr (in_bfloat16<T>)
            if (to.packed_pairs) return pack_delta_in_bfloat16(to, r, rows, column, vectors);
        if (!to.packed) return;
        T* panel = to.packed.get() + static_cast<std::size_t>(column) * to.height;
        for (int i = 0; i < rows; ++i)
            for (int v = 0; v < vectors; ++v)
                store(panel + static_cast<std::size_t>(r + i) * vectors * w + v * w,
                      load(to.d.get() + (r + i) * to.ld + column + v * w));
    }

    // The delta that the tiles of so many inputs ask for: that of the panel after this one.
    Lines next_delta(const Value<T>& to, int column, int n, int inputs) const {
        const int next = column + NR < to.columns ? column + NR : 0, K = copies * n;
        const long step = delta_step(to, next);
        return {delta_panel(to, next) + first * n * step, K * step * static_cast<long>(sizeof(T)) / line,
                looks<T>(K) * ((inputs + most_rows - 1) / most_rows)};
    }

    // delta as the B of dW's product: its first number in a panel, and the distance of its rows.
    static const T* delta_panel(const Value<T>& to, int column) {
        return to.packed ? to.packed.get() + static_cast<std::size_t>(column) * to.height
                         : to.d.get() + column;
    }
    static long delta_step(const Value<T>& to, int column) {
        return to.packed ? (to.columns - column > w ? 2 : 1) * w : to.ld;
    }
};

}  // namespace chainrule
