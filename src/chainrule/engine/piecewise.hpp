// Piecewise-linear embeddings: each input number becomes d numbers, linear between its edges.
//
//   edges   (Q + 1,)   of an input, ascending; j is the bin that x lies in, from 0 to Q − 1
//   t       where in it: (x − edge_j) / (edge_{j+1} − edge_j), held in [−4, 5]
//   w, b    (f, d)     of each of f inputs
//   W       (bins, d)  of all their bins; P_j = Σ_{i<j} W_i within an input, which its tensor keeps
//
//   y = b + x w + P_j + t W_j
//
//   with g = dy of the d numbers,
//
//   db = Σ g,   dw = Σ x g,   dW_j = Σ t g over the rows in bin j + Σ g over those in bins above
//   dx = w · g + W_j · g / (edge_{j+1} − edge_j), the second only where t is not held
//
// `kept` of a row of y is t and j for each input; `shared` has room for Σ g in each bin.
//
// Gorishniy and others (2022), On embeddings for numerical features in tabular deep learning.
#pragma once

#include "layout.hpp"

namespace chainrule {

template <class T>
struct Piecewise : LaidOut<T> {
    using LaidOut<T>::x, LaidOut<T>::y, LaidOut<T>::first, LaidOut<T>::copies;
    using LaidOut<T>::way, LaidOut<T>::places, LaidOut<T>::features, LaidOut<T>::for_copies;
    using LaidOut<T>::for_spans;
    using V = typename Vec<T>::type;
    static constexpr int w = Vec<T>::width;
    static constexpr T lowest = -4, highest = 5;

    int slope, b, W;
    int d;
    std::vector<std::vector<T>> edges;  // of each input that is embedded
    std::vector<int> bins;              // the first of each

    Piecewise(const OperationSpec& spec, std::vector<ValueSpec>& values,
              std::vector<TensorSpec>& tensors)
        : LaidOut<T>(spec, values[spec.inputs[0]].width, tensors[spec.tensors[0]].columns),
          slope(spec.tensors[0]), b(spec.tensors[1]), W(spec.tensors[2]), d(tensors[b].columns) {
        int count = 0;
        for (const std::vector<double>& given : spec.edges) {
            edges.emplace_back(given.begin(), given.end());
            bins.push_back(count);
            count += static_cast<int>(given.size()) - 1;
        }
        tensors[W].segments = bins;
        values[y].kept = 2 * features;
        values[y].shared = static_cast<std::size_t>(count) * padded<T>(d);
    }

    void forward(Room<T>& room, const Rows& rows) const {
        for_copies(rows, [&](int r0, int r1) {
            this->pass(room, r0, r1);
            for (int r = r0; r < r1; r += w)
                for (const Place& at : places)
                    if (at.feature >= 0) embed(room, at, r, std::min(w, r1 - r));
        });
    }

    void backward(Room<T>& room, const Rows& rows) const {
        if (!way.wanted) return;
        for_copies(rows, [&](int r0, int r1) {
            this->pass_back(room, r0, r1);
            for (int r = r0; r < r1; ++r)
                for (const Place& at : places)
                    if (at.feature >= 0) go_back(room, at, r);
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

    // |g|² (x² + 1 + |u|²), u being how far each bin is filled: 1 below bin j, t in it. Of two copies,
    // the product of both.
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
    // The bins of some rows of an input, and where in them they lie.
    struct Lying {
        int j[w];
        T t[w];
    };

    // Of the rows r to r + count; no more than a vector has lanes.
    Lying lying(const Value<T>& from, const Place& at, int r, int count) const {
        const std::vector<T>& own = edges[at.feature];
        T number[w]{}, left[w]{}, right[w]{};
        for (int k = 0; k < count; ++k) number[k] = from.rows[r + k][at.input];
        const V x = load(number);
        typename Vec<T>::Int bin{};
        for (std::size_t edge = 1; edge + 1 < own.size(); ++edge) bin -= x >= broadcast<T>(own[edge]);
        typename Vec<T>::Lane lanes[w];  // bin[k] would keep all of it in memory in the loop above
        std::memcpy(lanes, &bin, sizeof bin);
        Lying found;
        for (int k = 0; k < w; ++k) {
            found.j[k] = static_cast<int>(lanes[k]);
            left[k] = own[found.j[k]];
            right[k] = own[found.j[k] + 1];
        }
        const V t = (x - load(left)) / (load(right) - load(left));
        store(found.t, minimum(maximum(t, broadcast<T>(lowest)), broadcast<T>(highest)));
        return found;
    }

    void embed(Room<T>& room, const Place& at, int r, int count) const {
        Value<T>&from = room.values[x], &to = room.values[y];
        const Lying found = lying(from, at, r, count);
        const Tensor<T>& own = room.tensors[W];
        const T *slopes = room.tensors[slope].row(at.feature), *shifts = room.tensors[b].row(at.feature);
        for (int k = 0; k < count; ++k) {
            const int bin = bins[at.feature] + found.j[k];
            const T number = from.rows[r + k][at.input];
            for_vectors<T>(d, [&](int c, int some, int) {
                const V line = multiply_add(load(slopes + c), number, load(shifts + c));
                const V below = load(own.added_row(bin) + c);
                const V steps = multiply_add(load(own.row(bin) + c), found.t[k], below);
                store_first(to.row(r + k) + at.output + c, line + steps, some);
            });
            if (!to.kept) continue;
            T* kept = to.kept_row(r + k) + 2 * at.feature;
            kept[0] = found.t[k];
            kept[1] = T(found.j[k]);
        }
    }

    void go_back(Room<T>& room, const Place& at, int r) const {
        const Value<T>& to = room.values[y];
        const T number = room.values[x].rows[r][at.input], *g = to.d_row(r) + at.output;
        const int j = bin_of(to, at, r);
        const T* slopes = room.tensors[slope].row(at.feature);
        const T* steps = room.tensors[W].row(bins[at.feature] + j);
        const T left = edges[at.feature][j], span = edges[at.feature][j + 1] - left;
        const T t = (number - left) / span;
        const T steepness = t >= lowest && t < highest ? 1 / span : T{0};
        V sums[pieces]{};
        for_vectors<T>(d, [&](int c, int some, int p) {
            const V by = multiply_add(load(steps + c), steepness, load(slopes + c));
            sums[p] = multiply_add(by, load_first(g + c, some), sums[p]);
        });
        this->give(room.values[x].d_row(r)[at.input], sum(sums));
    }

    // Of one input, over n rows from `begin` on, in their order.
    void gradient(Room<T>& room, const Place& at, int begin, int n, bool adds) const {
        const Value<T>&from = room.values[x], &to = room.values[y];
        const Tensor<T>& own = room.tensors[W];
        const int count = static_cast<int>(edges[at.feature].size()) - 1;
        T* steps = room.gradient(W, bins[at.feature]);
        T* sums = to.shared_by(first) + bins[at.feature] * own.ld;
        if (!adds) std::fill_n(steps, count * own.ld, T{0});
        std::fill_n(sums, count * own.ld, T{0});
        for_vectors<T>(d, [&](int c, int some, int) {
            V line{}, above{};
            for (int r = begin; r < begin + n; ++r) {
                const V g = load_first(to.d_row(r) + at.output + c, some);
                const long bin = bin_of(to, at, r) * own.ld + c;
                line = multiply_add(g, from.rows[r][at.input], line);
                store(steps + bin, multiply_add(g, to.kept_row(r)[2 * at.feature], load(steps + bin)));
                store(sums + bin, load(sums + bin) + g);
            }
            for (long bin = (count - 1) * own.ld + c; bin >= 0; bin -= own.ld) {
                store(steps + bin, load(steps + bin) + above);
                above += load(sums + bin);
            }
            put(room.gradient(slope, at.feature) + c, line, adds);
            put(room.gradient(b, at.feature) + c, above, adds);
        });
    }

    double product_of(const Room<T>& room, const Place& at, int r, int other) const {
        const Value<T>&from = room.values[x], &to = room.values[y];
        const auto number = [&](int row) { return double(from.rows[row][at.input]); };
        const auto t = [&](int row) { return double(to.kept_row(row)[2 * at.feature]); };
        const int j = bin_of(to, at, r), i = bin_of(to, at, other);
        const double uu = i == j ? j + t(r) * t(other) : std::min(j + t(r), i + t(other));
        return inner_product(to.d_row(r) + at.output, to.d_row(other) + at.output, d) *
               (number(r) * number(other) + 1 + uu);
    }

    static int bin_of(const Value<T>& to, const Place& at, int r) {
        return static_cast<int>(to.kept_row(r)[2 * at.feature + 1]);
    }
};

}  // namespace chainrule
