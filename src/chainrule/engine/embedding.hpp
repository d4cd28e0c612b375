// Embeddings of levels: each input that names a level becomes the d numbers of its vector.
//
//   W   (rows, d)   the vectors of all levels, L of an input
//
//   y = W_k, k being the whole number nearest to x; where it is none of 0 to L − 1,
//   y = 1/L Σ W_m, the mean of the input's vectors
//
//   with g = dy of the d numbers,
//
//   dW_k = Σ g over the rows of level k, and 1/L Σ g over those of none;   dx = 0
//
// Guo and Berkhahn (2016), Entity embeddings of categorical variables.
#pragma once

#include <cmath>

#include "layout.hpp"

namespace chainrule {

template <class T>
struct Embedding : LaidOut<T> {
    using LaidOut<T>::x, LaidOut<T>::y, LaidOut<T>::first, LaidOut<T>::copies;
    using LaidOut<T>::way, LaidOut<T>::places, LaidOut<T>::features, LaidOut<T>::for_copies;
    using LaidOut<T>::for_spans;
    using V = typename Vec<T>::type;

    int W, d;
    std::vector<int> levels;  // of each input that is embedded
    std::vector<int> rows;    // its first row of W

    Embedding(const OperationSpec& spec, std::vector<ValueSpec>& values,
              std::vector<TensorSpec>& tensors)
        : LaidOut<T>(spec, values[spec.inputs[0]].width, tensors[spec.tensors[0]].columns),
          W(spec.tensors[0]), d(tensors[W].columns), levels(spec.levels) {
        int row = 0;
        for (const int count : levels) {
            rows.push_back(row);
            row += count;
        }
    }

    void forward(Room<T>& room, const Rows& rows) const {
        for_copies(rows, [&](int r0, int r1) {
            this->pass(room, r0, r1);
            for (const Place& at : places)
                if (at.feature >= 0) embed(room, at, r0, r1);
        });
    }

    void backward(Room<T>& room, const Rows& rows) const {
        if (!way.wanted) return;
        for_copies(rows, [&](int r0, int r1) {
            this->pass_back(room, r0, r1);
            for (const Place& at : places)
                for (int r = r0; at.feature >= 0 && r < r1; ++r)
                    this->give(room.values[x].d_row(r)[at.input], T{0});
        });
    }

    // Each thread has inputs of its own.
    void weights(Room<T>& room, const Rows& rows, const Share<T>& share, bool adds) const {
        const Part mine = share.of(features);
        for (const Place& at : places)
            if (at.feature >= mine.first && at.feature < mine.last)
                for_spans(rows, adds, [&](int begin, int count, bool more) {
                    gradient(room, at, begin, count, more);
                });
    }

    // |g|² of a level, |g|²/L of none. Of two copies, the product of both.
    double add_squared_norm(const Room<T>& room, int n, int r, double sum) const {
        for (const Place& at : places) {
            if (at.feature < 0) continue;
            for (int c = first; c < first + copies; ++c)
                for (int other = first; other <= c; ++other)
                    sum += (other < c ? 2 : 1) * product_of(room, at, c * n + r, other * n + r);
        }
        return sum;
    }

private:
    // The level that a row names; −1 for none.
    int level(const Room<T>& room, const Place& at, int r) const {
        const T nearest = std::nearbyint(room.values[x].rows[r][at.input]);
        return nearest >= 0 && nearest < T(levels[at.feature]) ? static_cast<int>(nearest) : -1;
    }

    // The first row of no level has the mean made for it, which the others copy.
    void embed(Room<T>& room, const Place& at, int r0, int r1) const {
        const T* unseen = nullptr;
        for (int r = r0; r < r1; ++r) {
            const int k = level(room, at, r);
            T* to = room.values[y].row(r) + at.output;
            if (k < 0 && !unseen) unseen = mean(room, at, to);
            const T* from = k < 0 ? unseen : room.tensors[W].row(rows[at.feature] + k);
            if (from != to) std::copy_n(from, d, to);
        }
    }

    const T* mean(const Room<T>& room, const Place& at, T* to) const {
        const int count = levels[at.feature];
        for_vectors<T>(d, [&](int c, int some, int) {
            V sum{};
            for (int k = 0; k < count; ++k) sum += load(room.tensors[W].row(rows[at.feature] + k) + c);
            store_first(to + c, sum / broadcast<T>(T(count)), some);
        });
        return to;
    }

    // Of one input, over n rows from `begin` on, in their order.
    void gradient(Room<T>& room, const Place& at, int begin, int n, bool adds) const {
        const Value<T>& to = room.values[y];
        const int count = levels[at.feature];
        const long ld = room.tensors[W].ld;
        T* own = room.gradient(W, rows[at.feature]);
        if (!adds) std::fill_n(own, count * ld, T{0});
        for_vectors<T>(d, [&](int c, int some, int) {
            V unseen{};
            bool any = false;
            for (int r = begin; r < begin + n; ++r) {
                const V g = load_first(to.d_row(r) + at.output + c, some);
                if (const int k = level(room, at, r); k >= 0) {
                    T* sum = own + k * ld + c;
                    store(sum, load(sum) + g);
                } else {
                    unseen += g;
                    any = true;
                }
            }
            const V each = unseen / broadcast<T>(T(count));
            for (T *sum = own + c, *end = sum + count * ld; any && sum < end; sum += ld)
                store(sum, load(sum) + each);
        });
    }

    double product_of(const Room<T>& room, const Place& at, int r, int other) const {
        const Value<T>& to = room.values[y];
        const int j = level(room, at, r), k = level(room, at, other);
        const double shared = j < 0 || k < 0 ? 1.0 / levels[at.feature] : double(j == k);
        return inner_product(to.d_row(r) + at.output, to.d_row(other) + at.output, d) * shared;
    }
};

}  // namespace chainrule
