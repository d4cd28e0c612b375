// Rows of text that are plainly made of numbers, into columns.
//
// A field of a column of whole numbers is digits, perhaps behind a minus; of another it begins and ends
// with a digit, or is empty, which is NaN. Each number is the double nearest to its text. Whatever is
// written in another way is not read here, nor is anything where the library has no way to do it.
#pragma once

#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <system_error>
#include <version>

namespace chainrule {

struct NumberRows {
    char delimiter;
    std::span<const std::uint8_t> whole;  // of each column, whether it holds whole numbers
    std::int64_t empty = 0;               // the fields that were so

    // Fill columns of so many rows each, whole numbers by their bits; false where a line is not plain.
    // At `end` − 1 a line feed stands.
    bool read(const char* p, const char* end, double* columns, std::int64_t rows) {
        for (std::int64_t r = 0; r < rows; ++r)
            if (!(p = read_row(p, end, columns + r, rows))) return false;
        return p == end;
    }

private:
    // Each of these returns what stands behind a row or a field, or null where it is not plain.
    const char* read_row(const char* p, const char* end, double* to, std::int64_t stride) {
        for (std::size_t c = 0; c < whole.size(); ++c, to += stride) {
            if (p == end || !(p = read_field(p, end, whole[c] != 0, *to))) return nullptr;
            if (c + 1 < whole.size() && *p++ != delimiter) return nullptr;
        }
        p += *p == '\r';
        return p < end && *p == '\n' ? p + 1 : nullptr;
    }

    const char* read_field(const char* p, const char* end, bool is_whole, double& to) {
        if (is_digit(p[*p == '-'])) return is_whole ? read_whole(p, end, to) : read_number(p, end, to);
        const bool is_empty = *p == delimiter || *p == '\r' || *p == '\n';
        if (is_whole || !is_empty || whole.size() == 1) return nullptr;  // a blank line is no row
        to = std::numeric_limits<double>::quiet_NaN();
        ++empty;
        return p;
    }

    static bool is_digit(char c) { return c >= '0' && c <= '9'; }

    static const char* read_whole(const char* p, const char* end, double& to) {
        std::int64_t x = 0;
        const auto [behind, error] = std::from_chars(p, end, x);
        to = std::bit_cast<double>(x);
        return error == std::errc{} ? behind : nullptr;
    }

#ifdef __cpp_lib_to_chars
    static const char* read_number(const char* p, const char* end, double& to) {
        const auto [behind, error] = std::from_chars(p, end, to);
        return error == std::errc{} && is_digit(behind[-1]) ? behind : nullptr;
    }
#else
    static const char* read_number(const char*, const char*, double&) { return nullptr; }
#endif
};

}  // namespace chainrule
