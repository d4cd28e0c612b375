// A factor for each column, and perhaps a shift: y = x ⊙ s + b.
//
//   s, b   (1, i), the same for all copies, or (copies, i), of each copy its own. Where x is in one
//          copy and y in several, each copy of y is made of the same x: so members begin
//
//   dx = dy ⊙ s, summed over the copies that x is in,   ds = Σ x ⊙ dy,   db = Σ dy
#pragma once

#include "operation.hpp"

namespace chainrule {

template <class T>
struct Scale : Operation<T> {
    using Operation<T>::x, Operation<T>::y, Operation<T>::first, Operation<T>::copies;
    using Operation<T>::way;
    using V = typename Vec<T>::type;

    int s, b;      // b is −1 where nothing is shifted
    bool spreads;  // x, which is in one copy, to several
    bool apart;    // each copy has its own s and b

    Scale(const OperationSpec& spec, std::vector<ValueSpec>& values, std::vector<TensorSpec>& tensors)
        : Operation<T>(spec), s(spec.tensors[0]), b(spec.tensors.size() > 1 ? spec.tensors[1] : -1),
          spreads(values[x].copies < values[y].copies), apart(tensors[s].rows > 1) {}

    bool chords(Room<T>&, const Rows&) const { return true; }  // it is linear

    void forward(Room<T>& room, const Rows& rows) const {
        Value<T>&from = room.values[x], &to = room.values[y];
        for_rows(rows, [&](int c, int in, int out) {
            const T *factors = row_of(room, s, c), *shifts = b < 0 ? nullptr : row_of(room, b, c);
            for_vectors<T>(to.spec.width, [&](int column, int k, int) {
                const V part = load_first(from.rows[in] + column, k), by = load(factors + column);
                const V made = shifts ? multiply_add(part, by, load(shifts + column)) : part * by;
                store(to.row(out) + column, made);
            });
        });
    }

    void backward(Room<T>& room, const Rows& rows) const {
        if (!way.wanted) return;
        Value<T>&from = room.values[x], &to = room.values[y];
        for_rows(rows, [&](int c, int in, int out) {
            const bool adds = way.adds || (spreads && c > first);
            for (int column = 0; column < to.columns; column += Vec<T>::width)
                put(from.d_row(in) + column,
                    load(to.d_row(out) + column) * load(row_of(room, s, c) + column), adds);
        });
    }

    void weights(Room<T>& room, const Rows& rows, const Share<T>& share, bool adds) const {
        const int at_once = apart || rows.cut ? 1 : copies;
        for (int c = first; c < first + copies; c += at_once) {
            const int out = c * rows.n + rows.first, in = spreads ? rows.first : out;
            const int n = at_once == 1 ? rows.last - rows.first : copies * rows.n;
            const int row = apart ? c : 0;
            const bool more = adds || (!apart && c > first);
            for_columns(room.values[y].spec.width, share, [&](int column, int k) {
                const auto dy = [&](int r) { return load(room.values[y].d_row(out + r) + column); };
                const auto product = [&](int r) {
                    return load_first(room.values[x].rows[in + r] + column, k) * dy(r);
                };
                put(room.gradient(s, row) + column, sum_of_rows<T>(n, product), more);
                if (b < 0) return;
                put(room.gradient(b, row) + column, sum_of_rows<T>(n, dy), more);
            });
        }
    }

    double add_squared_norm(const Room<T>& room, int n, int r, double sum) const {
        const Value<T>&from = room.values[x], &to = room.values[y];
        for (int c = first; c < first + copies; c += apart ? 1 : copies) {
            Squares<T> squares;
            for_vectors<T>(to.spec.width, [&](int column, int k, int p) {
                V along{}, plain{};
                for (int copy = c; copy < (apart ? c + 1 : first + copies); ++copy) {
                    const V dy = load_first(to.d_row(copy * n + r) + column, k);
                    along += dy * load_first(from.rows[spreads ? r : copy * n + r] + column, k);
                    plain += dy;
                }
                squares.add(along, p);
                if (b >= 0) squares.add(plain, p);
            });
            sum += squares.sum();
        }
        return sum;
    }

private:
    // f(copy, row of x, row of y), copy by copy.
    template <class F>
    void for_rows(const Rows& rows, F&& f) const {
        for (int c = first; c < first + copies; ++c)
            for (int r = rows.first; r < rows.last; ++r)
                f(c, spreads ? r : c * rows.n + r, c * rows.n + r);
    }

    const T* row_of(const Room<T>& room, int tensor, int c) const {
        return room.tensors[tensor].row(apart ? c : 0);
    }
};

}  // namespace chainrule
