// Powers of a number, the same in all systems.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

namespace chainrule {

// A product of many doubles, in two parts of which the second is what the first rounds away.
struct Product {
    double value = 1, rest = 0;

    Product operator*(const Product& other) const {
        const double high = value * other.value;
        const double lost = std::fma(value, other.value, -high);
        const double low = lost + (value * other.rest + rest * other.value);
        return {high + low, low - (high + low - high)};
    }
};

// βᵗ for whole t, the same however a run came to t: a product of entries of three tables. Powers
// taken at each step would be a third of the time of the smallest networks. The tables are made by
// multiplication, because std::pow is not the same in all systems; beyond them halves are multiplied.
class Powers {
public:
    Powers() = default;
    explicit Powers(double base) : base_(base) {
        Product unit{base};
        for (auto& level : table_) {
            Product power;
            for (double& entry : level) {
                entry = power.value;
                power = power * unit;
            }
            unit = power;
        }
    }

    double operator()(std::int64_t t) const {
        const auto n = static_cast<std::uint64_t>(t);
        if (n >= side * side * side) return beyond(t);
        return table_[0][n % side] * table_[1][n / side % side] * table_[2][n / (side * side)];
    }

private:
    // Apart: what calls itself is not inlined well.
    [[gnu::noinline]] double beyond(std::int64_t t) const {
        return (*this)(t / 2) * (*this)(t - t / 2);
    }

    static constexpr unsigned side = 256;
    double base_ = 0;
    std::array<std::array<double, side>, 3> table_{};
};

}  // namespace chainrule
