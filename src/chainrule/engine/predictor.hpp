// The binding of predictions: the shortest way from the user's arrays to a prediction and back.
//
// A row takes a few microseconds, so nothing is looked at twice. Whatever is not as it ought to be
// gives None.
#pragma once

#include <memory>

#include "predict.hpp"
#include "views.hpp"

namespace chainrule {

// A network as the engine has it, made once: its program and the form of its parameters.
struct Compiled {
    ProgramSpec spec;
    Form form;
    nb::object types;  // holds the types of the form

    // Whether parameters are of the form, type by type, of one dtype and finite.
    bool holds(nb::handle params) const {
        std::vector<View> views;
        views.reserve(spec.tensors.size());
        return form.read(params.ptr(), views, true) &&
               std::all_of(views.begin(), views.end(), [](const View& view) { return view.is_finite(); });
    }

    // Whether X is what enters the network: rows of numbers that are finite, one at least.
    bool takes(nb::handle X) const {
        const View rows(X.ptr());
        if (!rows.has_columns(spec.inputs()) || rows.rows() == 0) return false;
        nb::gil_scoped_release free;
        return rows.is_finite();
    }
};

class Predictor {
public:
    // `empty` makes an array of a shape and a dtype, `single` or `twice`.
    Predictor(const Compiled& network, int cores, nb::object empty, nb::object single, nb::object twice)
        : spec_(network.spec), form_(network.form), types_(network.types), cores_(cores),
          empty_(std::move(empty)), single_(std::move(single)), double_(std::move(twice)) {}

    // With 0 threads, as many as are worth starting. `alike`, a few rows have the bits of many.
    nb::object predict(nb::handle params, nb::handle X, int threads, bool alike) {
        const View rows(X.ptr());
        if (!rows.has_columns(spec_.inputs()) || rows.rows() == 0) return nb::none();
        return rows.kind() == 'f' ? predict_as(of_single_, params, rows, single_, threads, alike)
                                  : predict_as(of_double_, params, rows, double_, threads, alike);
    }

    // The same of rows of which only the entries are given; they must be as they ought to be.
    template <class T>
    nb::object predict_sparse(nb::handle params, const SparseRows<T>& rows, int threads) {
        std::vector<View> views;
        std::vector<const T*> given;
        constexpr bool single = sizeof(T) == 4;
        if (!read(params, single ? 'f' : 'd', views, given)) return nb::none();
        nb::object out = empty_(nb::make_tuple(rows.n, spec_.outputs()), single ? single_ : double_);
        const View room(out.ptr());
        T* to = const_cast<T*>(room.data<T>());
        ProgramSpec spec = spec_;
        spec.values.front().sparse = true;
        Data<T> data{};
        data.sparse = rows;
        data.n = rows.n;
        return predict_many(Program<T>(spec), given, data, to, threads) ? out : nb::none();
    }

private:
    // The program, and room for a row.
    template <class T>
    struct Made {
        Program<T> program;
        FewRows<T> few{program};

        explicit Made(const ProgramSpec& spec) : program(spec) {}
    };

    template <class T>
    nb::object predict_as(std::unique_ptr<Made<T>>& made, nb::handle params, const View& X,
                          const nb::object& dtype, int threads, bool alike) {
        std::vector<View> views;
        std::vector<const T*> given;
        if (!read(params, X.kind(), views, given)) return nb::none();
        if (!made) made = std::make_unique<Made<T>>(spec_);
        nb::object out = empty_(nb::make_tuple(X.rows(), spec_.outputs()), dtype);
        const View room(out.ptr());
        T* to = const_cast<T*>(room.data<T>());
        bool finite = true;
        if (X.rows() <= few_rows) {  // with the lock, which guards the room
            finite = made->few.run(given.data(), X.data<T>(), X.rows(), to, alike);
        } else {
            const Data<T> data{X.data<T>(), spec_.inputs(), X.rows(), {}};
            finite = predict_many(made->program, given, data, to, threads);
        }
        return finite ? out : nb::none();
    }

    template <class T>
    bool predict_many(const Program<T>& program, const std::vector<const T*>& given,
                      const Data<T>& data, T* to, int threads) const {
        nb::gil_scoped_release free;
        const AtWork here;
        return ManyRows<T>(program, given.data())
            .run(data, to, worth(data.n, threads ? std::min(threads, cores_) : cores_), cores_);
    }

    int worth(std::int64_t rows, int most) const {
        const double forward = spec_.work / 3.0;  // of a step, which goes back twice as far
        return worth_starting(forward * double(rows), std::min(most, AtWork::share(cores_)));
    }

    // The arrays of the parameters, leaf by leaf. False where one is not as it ought to be.
    template <class T>
    bool read(nb::handle params, char kind, std::vector<View>& views,
              std::vector<const T*>& given) const {
        views.reserve(spec_.tensors.size());
        given.reserve(spec_.tensors.size());
        if (!form_.read(params.ptr(), views) || views.front().kind() != kind) return false;
        for (const View& view : views) given.push_back(view.data<T>());
        return true;
    }

    ProgramSpec spec_;
    Form form_;
    nb::object types_;  // holds those of the form
    int cores_;
    nb::object empty_, single_, double_;
    std::unique_ptr<Made<float>> of_single_;
    std::unique_ptr<Made<double>> of_double_;
};

}  // namespace chainrule
