// Networks of one shape side by side: lane k of every vector belongs to network k.
//
// So are tiny networks trained, in whose own vectors most lanes would be empty. In each lane every
// sum goes in the order in which the network would take it alone (affine.hpp, update.hpp,
// losses.hpp), and what is made number by number is the same code: no bit differs.
//
//   a, slopes (rows, o), d (rows, o)   as in values.hpp, of vectors; of d, that of two layers at a time
//   W, states, dW (o, i), b, db (o,)   of vectors, in the user's order
#pragma once

#include "lane_batch.hpp"
#include "lane_doubles.hpp"
#include "lane_products.hpp"
#include "lane_update.hpp"

namespace chainrule {

template <class T>
class LaneNetwork {
    using V = typename Vec<T>::type;
    using Int = typename Vec<T>::Int;
    static constexpr int w = Vec<T>::width;

    struct Layer {
        int in, out, W, b;
        Activation activation;
        T parameter;
        bool goes_back;
        Buffer<T> a, slopes;
    };

    struct Parameters {
        std::size_t count;
        bool moves, weight;
        Buffer<T> w, states[2], g;
        int columns;
    };

public:
    LaneNetwork(const ProgramSpec& spec, const std::vector<OptimizerSpec>& optimizers, int batch)
        : networks_(static_cast<int>(optimizers.size())), optimizers_(optimizers) {
        const Program<T> program(spec);
        if (networks_ < 1 || networks_ > w || !suits_lanes(program, batch))
            throw std::invalid_argument("these networks do not go in lanes");
        heads_ = program.spec.heads;
        const int states = with_rule(rule(), []<Rule R>() { return state_count<R>; });
        for (const TensorSpec& tensor : program.spec.tensors) add_tensor(tensor, states);
        int widest = 0, row = 0;
        for (const auto& any : program.operations) {
            const auto& op = std::get<Affine<T>>(any);
            const int in = program.spec.values[op.x].width, out = program.spec.values[op.y].width;
            const bool slopes = program.spec.values[op.y].kept > 0;
            layers_.push_back({in, out, op.W, op.b, op.activation, op.parameter, op.way.wanted, {}, {}});
            layers_.back().slopes = slopes ? Buffer<T>(1) : Buffer<T>();
            widest = std::max(widest, out);
            row += out * (slopes ? 2 : 1);
        }
        make_room(row + layers_[0].in + 2 * widest, widest);
        for (const Head& head : heads_) loss_parameters_.push_back(parameters_of<T>(head));
        for (const OptimizerSpec& own : optimizers_) moments_.push_back(moments_like(own));
        for (int k = 0; k < networks_; ++k) {
            l1_.set(k, optimizers_[k].values.l1);
            l2_.set(k, 0.5 * optimizers_[k].values.l2);
            penalises_ = penalises_ || Updates<T>(optimizers_[k]).penalises();
            alike_ = alike_ && optimizers_[k].values == optimizers_[0].values;
        }
    }

    int networks() const { return networks_; }

    // Parameter t of network k, from the user's arrays and back.
    void load(int k, std::size_t t, const T* array, const std::vector<const T*>& states) {
        Parameters& to = tensors_.at(t);
        put_lane(to, k, array, to.w);
        for (std::size_t j = 0; j < states.size() && to.states[j]; ++j)
            put_lane(to, k, states[j], to.states[j]);
    }
    void store(int k, std::size_t t, T* array, const std::vector<T*>& states) const {
        const Parameters& from = tensors_.at(t);
        take_lane(from, k, from.w, array);
        for (std::size_t j = 0; j < states.size() && from.states[j]; ++j)
            take_lane(from, k, from.states[j], states[j]);
    }

    // Make a step of each network, step number `numbers[k]` at a rate of its own. Returns Σ w L of
    // the batch of each; lanes in which a number is not finite are marked in `failed`.
    LaneDoubles<T> step(const LaneBatch<T>& batch, const std::vector<std::int64_t>& numbers,
                        const std::vector<double>& rates, Int& failed) {
        LaneDoubles<T> sum;
        alignas(vector_bytes) T scale[w]{};
        for (int k = 0; k < networks_; ++k) scale[k] = T(batch.batches[k].scale);
        V poison{};
        const V scales = chainrule::load(scale);
        const int n = static_cast<int>(batch.batches[0].n);
        for (int r = 0; r < n; r += rows_) {
            const int count = std::min(rows_, n - r);
            forward(batch, r, count);
            compare(batch, r, count, scales, sum, poison);
            backward(count, r);
        }
        update(numbers, rates, poison);
        failed |= ~(poison == V{});
        return sum;
    }

    // Σ w L of a batch of each.
    LaneDoubles<T> losses(const LaneBatch<T>& batch) {
        LaneDoubles<T> sum;
        V poison{};
        const int n = static_cast<int>(batch.batches[0].n);
        for (int r = 0; r < n; r += rows_) {
            const int count = std::min(rows_, n - r);
            forward(batch, r, count);
            compare(batch, r, count, broadcast<T>(1), sum, poison);
        }
        return sum;
    }

    // λ₁ Σ|W| + ½ λ₂ ΣW².
    LaneDoubles<T> penalty() const {
        LaneDoubles<T> all;
        if (penalises_)
            for (const Parameters& tensor : tensors_)
                for (int i = 0; tensor.weight && i < tensor.columns; ++i)
                    all.each([](auto sum, auto own) { return sum + own; }, penalty_of(tensor, i));
        return all;
    }

private:
    Rule rule() const { return optimizers_[0].rule; }

    void add_tensor(const TensorSpec& spec, int states) {
        const std::size_t count = static_cast<std::size_t>(spec.rows) * spec.columns;
        tensors_.push_back({count, spec.moves(), spec.weight, Buffer<T>(count * w), {},
                            Buffer<T>(count * w), spec.columns});
        for (int j = 0; j < states; ++j) tensors_.back().states[j] = Buffer<T>(count * w);
    }

    // Room for some rows, fours of them, whose vectors stay in the second-level cache.
    void make_room(int row, int widest) {
        constexpr int bytes = 256 * 1024;
        rows_ = std::max(1, bytes / (row * vector_bytes) / 4) * 4;
        const auto room = [&](int columns) {
            return Buffer<T>(static_cast<std::size_t>(rows_) * columns * w);
        };
        x_ = room(layers_[0].in);
        d_[0] = room(widest);
        d_[1] = room(widest);
        losses_ = room(1);
        biases_ = Buffer<T>(static_cast<std::size_t>(4 * widest * w) * layers_.size());
        widest_ = widest;
        for (Layer& layer : layers_) {
            layer.a = room(layer.out);
            if (layer.slopes) layer.slopes = room(layer.out);
        }
    }

    // The number of the first network whose powers of β are the same.
    int moments_like(const OptimizerSpec& own) {
        const auto same = [&](const OptimizerSpec& other) {
            return other.values.beta1 == own.values.beta1 && other.values.beta2 == own.values.beta2;
        };
        for (std::size_t k = 0; k < moments_.size(); ++k)
            if (same(optimizers_[k])) return moments_[k];
        powers_.emplace_back(own.rule, own.values);
        return static_cast<int>(powers_.size()) - 1;
    }

    void put_lane(const Parameters& of, int k, const T* from, Buffer<T>& to) {
        for (std::size_t p = 0; p < of.count; ++p) to.get()[p * w + k] = from[p];
    }
    void take_lane(const Parameters& of, int k, const Buffer<T>& from, T* to) const {
        for (std::size_t p = 0; p < of.count; ++p) to[p] = from.get()[p * w + k];
    }

    // Row by row `width` vectors; and the same the other way about.
    template <class P>
    static Grid<P> by_rows(P* first, int width) { return {first, long{width} * w, w}; }
    template <class P>
    static Grid<P> by_columns(P* first, int width) { return {first, w, long{width} * w}; }

    const T* input(std::size_t l) const { return l == 0 ? x_.get() : layers_[l - 1].a.get(); }

    // A row of each network; row(k) is where that of network k begins.
    template <class F>
    void read(const LaneBatch<T>& batch, int columns, F&& row, V* to) const {
        if (!batch.shared) return rows::read_columns<T>(networks_, columns, row, to);
        for (int c = 0; c < columns; ++c) to[c] = spread<V>(row(0)[c]);
    }

    // Rows r0 and following of each batch.
    void forward(const LaneBatch<T>& batch, int r0, int count) {
        V columns[lane_widest + w];
        const int in = layers_[0].in;
        for (int r = 0; r < count; ++r) {
            read(batch, in, [&](int k) {
                return batch.data[k].X + batch.example(k, r0 + r) * batch.data[k].ldx;
            }, columns);
            for (int c = 0; c < in; ++c) chainrule::store(x_.get() + (r * in + c) * w, columns[c]);
        }
        for (std::size_t l = 0; l < layers_.size(); ++l) {
            const Layer& layer = layers_[l];
            const T* b = layer.b < 0 ? nullptr : tensors_[layer.b].w.get();
            const auto x = by_rows(input(l), layer.in);
            const auto W = by_rows<const T>(tensors_[layer.W].w.get(), layer.in);
            const auto z = by_rows(layer.a.get(), layer.out);
            if (has_few_outputs(layer.in, layer.out))
                lane_product_in_halves<T>(count, layer.out, layer.in, x, W, b, z);
            else
                lane_product<T>(count, layer.out, layer.in, x, W, {b, false}, z);
            activate_tile<T>(layer.activation, layer.parameter, layer.a.get(), layer.slopes.get(), w, 0,
                             count * layer.out, 0, 1);
        }
    }

    // The losses of these rows, and ∂C/∂a in the first d.
    void compare(const LaneBatch<T>& batch, int r0, int count, V scales, LaneDoubles<T>& sum,
                 V& poison) {
        for (std::size_t k = 0; k < heads_.size(); ++k)
            with_loss(heads_[k].loss, [&]<Loss L>() {
                for (int r = 0; r < count; ++r) compare_row<L>(batch, k, r0 + r, r, scales);
            });
        for (int r = 0; r < count; ++r) {
            const V loss = chainrule::load(losses_.get() + r * w);
            if (!batch.weighted)
                sum.each([](auto all, auto loss) { return all + loss; }, LaneDoubles<T>(loss));
            else
                sum.each([](auto all, auto loss, auto of) { return multiply_add(loss, of, all); },
                         LaneDoubles<T>(loss), LaneDoubles<T>(weights(batch, r0 + r)));
            poison += loss * T{0};
        }
    }

    // Of the examples in a row of each batch.
    V weights(const LaneBatch<T>& batch, int r) const {
        V of = broadcast<T>(1);
        for (int k = 0; k < networks_; ++k)
            if (const T* own = batch.data[k].targets.weights) of[k] = own[batch.example(k, r)];
        return of;
    }

    template <Loss L>
    void compare_row(const LaneBatch<T>& batch, std::size_t head, int row, int r, V scales) {
        const int o = heads_[head].outputs, first = heads_[head].first, all = layers_.back().out;
        const T* a = layers_.back().a.get() + (r * all + first) * w;
        T *d = d_[0].get() + (r * all + first) * w, *loss = losses_.get() + r * w;
        V columns[rows::narrow + w], y[rows::narrow + w];
        for (int c = 0; c < o; ++c) columns[c] = chainrule::load(a + c * w);
        const auto& targets = [&](int k) -> const Targets<T>& { return batch.data[k].targets; };
        const bool labelled = targets(0).labels != nullptr;
        Int labels{};
        if (labelled)
            labels = rows::read_labels<T>(batch.shared ? 1 : networks_, [&](int k) {
                return targets(k).labels[batch.example(k, row)];
            });
        else
            read(batch, o, [&](int k) {
                return targets(k).y + batch.example(k, row) * targets(k).ld + first;
            }, y);
        const V own = batch.weighted ? scales * weights(batch, row) : scales;
        const V value = rows::compare_columns<T>(Row<L>{}, loss_parameters_[head].get(), o, columns, y,
                                                    labelled ? &labels : nullptr, own);
        put(loss, value, head > 0);
        for (int c = 0; c < o; ++c) chainrule::store(d + c * w, columns[c]);
    }

    // From the first d to the gradients, which are added to those of the rows before r0.
    void backward(int count, int r0) {
        int here = 0;
        for (std::size_t l = layers_.size(); l-- > 0; here = 1 - here) {
            const Layer& layer = layers_[l];
            T *d = d_[here].get(), *before = d_[1 - here].get();
            slope_tile<T>(layer.activation, layer.parameter, layer.a.get(), layer.slopes.get(), d, w, 0,
                          count * layer.out, 0, 1);
            lane_product<T>(layer.out, layer.in, count, by_columns<const T>(d, layer.out),
                            by_columns(input(l), layer.in), {nullptr, r0 > 0},
                            by_rows(tensors_[layer.W].g.get(), layer.in));
            if (layer.b >= 0) add_biases(l, d, count, r0);
            if (layer.goes_back)
                lane_product<T>(count, layer.in, layer.out, by_rows<const T>(d, layer.out),
                                by_columns<const T>(tensors_[layer.W].w.get(), layer.in),
                                {nullptr, false}, by_rows(before, layer.in));
        }
    }

    // db in four sums in turn, of which the first takes the rows beyond a multiple of four.
    void add_biases(std::size_t l, const T* d, int count, int r0) {
        const int out = layers_[l].out;
        for (int o = 0; o < out; ++o) {
            T* to = biases_of(l) + o * 4 * w;
            V sums[4]{};
            for (int k = 0; k < 4 && r0 > 0; ++k) sums[k] = chainrule::load(to + k * w);
            const auto delta = [&](int r) { return chainrule::load(d + (r * out + o) * w); };
            int r = 0;
            for (; r + 4 <= count; r += 4)
                for (int k = 0; k < 4; ++k) sums[k] += delta(r + k);
            for (; r < count; ++r) sums[0] += delta(r);
            for (int k = 0; k < 4; ++k) chainrule::store(to + k * w, sums[k]);
        }
    }
    T* biases_of(std::size_t l) const { return biases_.get() + l * 4 * widest_ * w; }

    void add_up_biases(std::size_t l) {
        T* g = tensors_[layers_[l].b].g.get();
        for (int o = 0; o < layers_[l].out; ++o) {
            V sums[4];
            for (int k = 0; k < 4; ++k) sums[k] = chainrule::load(biases_of(l) + (o * 4 + k) * w);
            chainrule::store(g + o * w, (sums[0] + sums[1]) + (sums[2] + sums[3]));
        }
    }

    void update(const std::vector<std::int64_t>& numbers, const std::vector<double>& rates, V& poison) {
        for (std::size_t l = 0; l < layers_.size(); ++l)
            if (layers_[l].b >= 0) add_up_biases(l);
        with_rule(rule(), [&]<Rule R>() {
            const LaneUpdate<R, T> coefficients = update_of<R>(numbers, rates);
            const auto all = coefficients.all();
            for (Parameters& tensor : tensors_)
                if (tensor.moves && tensor.weight && coefficients.shrinks)
                    update<true>(tensor, all, poison);
                else if (tensor.moves) update<false>(tensor, all, poison);
        });
    }

    template <Rule R>
    LaneUpdate<R, T> update_of(const std::vector<std::int64_t>& numbers,
                               const std::vector<double>& rates) const {
        LaneUpdate<R, T> made;
        const auto one = [&](int k) {
            HyperParameters values = optimizers_[k].values;
            values.learning_rate = rates[k];
            return Update<R, T>(values, powers_[moments_[k]].at(numbers[k]));
        };
        const auto same = [](const auto& of) { return std::equal(of.begin() + 1, of.end(), of.begin()); };
        if (alike_ && same(numbers) && same(rates)) made.set(0, w, one(0));
        else
            for (int k = 0; k < networks_; ++k) made.set(k, 1, one(k));
        return made;
    }

    template <bool Shrinks, class U>
    static void update(Parameters& tensor, const U& all, V& poison) {
        const auto state = [&](int j, std::size_t at) {
            return tensor.states[j] ? tensor.states[j].get() + at : nullptr;
        };
        for (std::size_t at = 0; at < tensor.count * w; at += w) {
            T* W = tensor.w.get() + at;
            all.template update<Shrinks>(chainrule::load(tensor.g.get() + at), W, state(0, at),
                                         state(1, at));
            poison = multiply_add(chainrule::load(W), T{0}, poison);
        }
    }

    // Of the weights from one input.
    LaneDoubles<T> penalty_of(const Parameters& tensor, int i) const {
        LaneDoubles<T> sum;
        const std::size_t step = static_cast<std::size_t>(tensor.columns) * w;
        for (std::size_t at = i * w; at < tensor.count * w; at += step)
            sum.each([](auto all, auto W, auto l1, auto half_l2) {
                return all + multiply_add(l1, chainrule::abs(W), half_l2 * W * W);
            }, LaneDoubles<T>(chainrule::load(tensor.w.get() + at)), l1_, l2_);
        return sum;
    }

    int networks_, rows_ = 4, widest_ = 0;
    std::vector<OptimizerSpec> optimizers_;
    std::vector<Moments> powers_;
    std::vector<int> moments_;  // of each network the number of its powers
    std::vector<Layer> layers_;
    std::vector<Parameters> tensors_;
    std::vector<Head> heads_;
    std::vector<Buffer<T>> loss_parameters_;
    Buffer<T> x_, d_[2], losses_, biases_;
    LaneDoubles<T> l1_, l2_;  // the penalty's, the second halved
    bool penalises_ = false, alike_ = true;  // whether their optimizers are, but for the rates
};

}  // namespace chainrule
