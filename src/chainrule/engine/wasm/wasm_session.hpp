// A run in the browser: made step by step, and looked at in between.
//
//   step, epoch   made      first   examples that this epoch has gone through
//
// `Trainer` makes whole epochs in a call; here a call may end, and the next begin, within one. The steps
// are the same, from the same `Step`, and so are their bits: order and masks follow from seed and number.
#pragma once

#include <span>
#include <utility>

#include "predict.hpp"
#include "step.hpp"
#include "wasm_look.hpp"

namespace chainrule {

template <class T>
class Session {
public:
    struct Place {
        std::int64_t step = 0, epoch = 0, first = 0;
    };
    // One number of a tensor.
    struct NumberPlace {
        int tensor, row, column;
    };
    static constexpr std::uint32_t order_stream = 1;  // streams.ORDER

    Place at;

    // The `frozen` numbers stay as they are.
    Session(const ProgramSpec& spec, const OptimizerSpec& optimizer, int batch, std::uint64_t seed,
            std::vector<NumberPlace> frozen)
        : spec_(spec), optimizer_(optimizer), batch_(batch), seed_(seed), frozen_(std::move(frozen)),
          predicts_(spec),
          step_(spec, optimizer, batch, 1, 1, true, Shards{}) {}

    std::vector<Tensor<T>>& tensors() { return step_.tensors(); }
    void ready() { step_.ready(); }

    void set_data(OwnData<T> data) {
        data_ = std::move(data);
        ordered_ = 0;
    }

    // Up to so many steps: fewer, where one comes to what is not finite. `rates` holds one for each, or
    // one for all. Of each, `parts` gets the cost times what it is divided by, and that: Σ w L with the
    // penalty's share, and Σ w, or 1 of a sum.
    std::int64_t train(std::int64_t steps, bool shuffles, double mean_weight, std::span<const double> rates,
                       double* parts) {
        const Data<T> data = data_.seen(spec_);
        step_.begin();
        step_.make_room(data);
        const std::vector<Kept> kept = frozen_numbers();
        std::int64_t made = 0;
        for (; made < steps; ++made) {
            const double rate = rates[rates.size() == 1 ? 0 : static_cast<std::size_t>(made)];
            if (!make_step(data, shuffles && batch_ < data_.n, mean_weight, rate, parts + 2 * made)) break;
            put_back(kept);
        }
        step_.end();
        return made;
    }

    // Σ w L of all examples; the gradient of `scale` times that, with the penalty's, is kept. `step` is
    // what dropout's masks follow from; at 0 there are none.
    double gradient(double scale, std::uint64_t step) {
        const double sum = step_.gradient_sum(data_.seen(spec_), all(scale, step));
        const Shrinkage<T> penalty(optimizer_.values);
        for (Tensor<T>& tensor : tensors())
            for (std::size_t k = 0; tensor.spec.weight && k < tensor.count; k += Vec<T>::width)
                store(tensor.g + k, penalty.penalised(load(tensor.g + k), load(tensor.w.get() + k)));
        return sum;
    }
    double losses(std::uint64_t step) { return step_.loss_sum(data_.seen(spec_), all(1, step)); }
    double penalty() { return step_.penalty(); }

    // False where a prediction is not finite.
    bool predict(const T* X, std::int64_t n, T* out) {
        const auto given = plain_tensors();
        std::vector<const T*> arrays;
        for (const auto& each : given) arrays.push_back(each.data());
        const Data<T> rows{X, spec_.inputs(), n, {}};
        return ManyRows<T>(predicts_, arrays.data()).run(rows, out, 1, 1);
    }

    // One pass of some examples, looked at value by value.
    const Look<T>& look(const std::vector<std::int64_t>& rows, std::uint64_t step) {
        const auto n = static_cast<int>(rows.size());
        if (!look_ || look_->most() < n) look_ = std::make_unique<Look<T>>(spec_, n);
        look_->pass(plain_tensors(), data_.seen(spec_), rows, step);
        return *look_;
    }
    const Look<T>* looked() const { return look_.get(); }

private:
    // A number of a tensor and what it is.
    struct Kept {
        Tensor<T>* tensor;
        T *at, value;
    };

    std::vector<Kept> frozen_numbers() {
        std::vector<Kept> kept;
        for (const NumberPlace& own : frozen_) {
            Tensor<T>& tensor = tensors()[own.tensor];
            T* at = tensor.spec.panels ? tensor.w.get() + tensor.place(own.row, own.column)
                                       : tensor.row(own.row) + own.column;
            kept.push_back({&tensor, at, *at});
        }
        return kept;
    }

    // A step moves a whole tensor; no other number of it follows from these before the next step.
    static void put_back(const std::vector<Kept>& kept) {
        for (const Kept& own : kept) *own.at = own.value;
        const Tensor<T>* last = nullptr;
        for (const Kept& own : kept)
            if (std::exchange(last, own.tensor) != own.tensor) own.tensor->renew();
    }

    Batch all(double scale, std::uint64_t step) const { return {data_.n, 0, nullptr, step, scale}; }

    bool make_step(const Data<T>& data, bool shuffles, double mean_weight, double rate, double* part) {
        if (shuffles) put_in_order();
        const std::int64_t number = at.step + 1;
        Batch b{std::min<std::int64_t>(batch_, data_.n - at.first), at.first,
                shuffles ? order_.data() : nullptr, static_cast<std::uint64_t>(number), 0};
        const double share = mean_weight == 0 ? 1 : static_cast<double>(b.n) * mean_weight;
        b.scale = 1 / share;
        if (!step_.rows(data, b, 0, [] { return false; })) return false;
        const double losses = step_.losses(data, b);
        if (!step_.weights(b, number, rate, 0)) return false;
        part[0] = multiply_add(share, step_.penalty_before(), losses);
        part[1] = share;
        at.step = number;
        at.first += b.n;
        if (at.first >= data_.n) at = {at.step, at.epoch + 1, 0};
        return true;
    }

    // The order of the epoch that the run is in.
    void put_in_order() {
        const std::int64_t epoch = at.epoch + 1;
        if (ordered_ == epoch) return;
        order_.resize(static_cast<std::size_t>(data_.n));
        fill_in_order(order_.data(), data_.n, {});
        shuffle(order_.data(), data_.n, seed_, order_stream, static_cast<std::uint64_t>(epoch));
        ordered_ = epoch;
    }

    std::vector<std::vector<T>> plain_tensors() {
        std::vector<std::vector<T>> made;
        for (const Tensor<T>& tensor : tensors()) {
            auto& own = made.emplace_back(static_cast<std::size_t>(tensor.spec.rows) * tensor.spec.columns);
            tensor.write(tensor.w.get(), own.data());
        }
        return made;
    }

    ProgramSpec spec_;
    OptimizerSpec optimizer_;
    int batch_;
    std::uint64_t seed_;
    std::vector<NumberPlace> frozen_;
    Program<T> predicts_;
    Step<T> step_;
    OwnData<T> data_;
    std::vector<std::int64_t> order_;
    std::int64_t ordered_ = 0;  // the epoch, from 1, whose order that is
    std::unique_ptr<Look<T>> look_;
};

}  // namespace chainrule
