// Memory for numbers.
#pragma once

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

namespace chainrule {

// Zeros at an address that whole vectors like, from the allocation on.
template <class T>
class Buffer {
public:
    Buffer() = default;
    explicit Buffer(std::size_t count) {
        const std::size_t bytes = (count * sizeof(T) + 63) / 64 * 64 + 64;
        p_.reset(static_cast<T*>(std::aligned_alloc(64, bytes)));
        if (!p_) throw std::bad_alloc();
        std::memset(p_.get(), 0, bytes);
    }
    T* get() const { return p_.get(); }
    explicit operator bool() const { return p_ != nullptr; }

private:
    struct Free {
        void operator()(T* p) const { std::free(p); }
    };
    std::unique_ptr<T, Free> p_;
};

}  // namespace chainrule
