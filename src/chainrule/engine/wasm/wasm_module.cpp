// The functions that WebAssembly exports, of float or double (CHAINRULE_WASM_NUMBER): see wasm_engine.js,
// which alone calls them, and has looked at all that is given.
#include "number_stream.hpp"
#include "wasm_session.hpp"

#define CHAINRULE_EXPORT(name) __attribute__((used, export_name(name)))

namespace {

using namespace chainrule;
using T = CHAINRULE_WASM_NUMBER;

std::string said;  // why there is no session

Tensor<T>& tensor(Session<T>* session, int k) {
    return session->tensors()[static_cast<std::size_t>(k)];
}

T* part(Session<T>* session, int k, int state) {
    return state < 0 ? tensor(session, k).w.get() : tensor(session, k).states[state].get();
}

template <class N>
std::vector<N> copied(const N* from, std::size_t count) {
    return from ? std::vector<N>(from, from + count) : std::vector<N>{};
}

}  // namespace

extern "C" {

CHAINRULE_EXPORT("number_size") int number_size() { return sizeof(T); }
CHAINRULE_EXPORT("allocate") void* allocate(int bytes) {
    return std::malloc(static_cast<std::size_t>(bytes));
}
CHAINRULE_EXPORT("release") void release(void* p) { std::free(p); }

// A program, an optimizer, then batch, seed, the numbers of frozen tensors, and of frozen numbers the
// tensor, row and column of each; null, and a sentence in `said`, where that is not what the engine runs.
CHAINRULE_EXPORT("make") Session<T>* make(const double* record, int count) {
    NumberStream from(record, static_cast<std::size_t>(count));
    ProgramSpec spec = read_program(from);
    const OptimizerSpec optimizer = read_optimizer(from);
    const int batch = from.whole();
    const auto seed = from.whole<std::uint64_t>();
    for (const int k : from.wholes())
        if (k >= 0 && k < static_cast<int>(spec.tensors.size())) spec.tensors[k].frozen = true;
        else from.refuse("what is frozen must be a tensor");
    auto frozen = from.list([&] {
        const Session<T>::NumberPlace own{from.whole(), from.whole(), from.whole()};
        const auto& [k, row, column] = own;
        const bool known = k >= 0 && k < static_cast<int>(spec.tensors.size());
        if (!known || row < 0 || row >= spec.tensors[k].rows || column < 0 || column >= spec.tensors[k].columns)
            from.refuse("what is frozen must be a number of a tensor");
        return own;
    });
    if (batch < 1) from.refuse("a batch must have an example");
    said = from.wrong();
    if (!said.empty()) return nullptr;
    for (OperationSpec& op : spec.operations)
        for (Dropout& dropout : op.dropouts) dropout.seed = seed;
    return new Session<T>(spec, optimizer, batch, seed, std::move(frozen));
}
CHAINRULE_EXPORT("said") const char* why() { return said.c_str(); }
CHAINRULE_EXPORT("forget") void forget(Session<T>* session) { delete session; }

// Tensor k, or one of its states from 0 on, where state is not −1; its gradient where it is −2.
CHAINRULE_EXPORT("load") void load(Session<T>* session, int k, int state, const T* from) {
    tensor(session, k).read(from, part(session, k, state));
}
CHAINRULE_EXPORT("store") void store(Session<T>* session, int k, int state, T* to) {
    tensor(session, k).write(state == -2 ? tensor(session, k).g : part(session, k, state), to);
}
CHAINRULE_EXPORT("states") int states(Session<T>* session, int k) {
    const auto& own = tensor(session, k).states;
    return own[1] ? 2 : own[0] ? 1 : 0;
}
CHAINRULE_EXPORT("ready") void ready(Session<T>* session) { session->ready(); }

// Examples are copied; y and labels are the same in two forms, and one of them is null.
CHAINRULE_EXPORT("set_data")
void set_data(Session<T>* session, int n, const T* X, int inputs, const T* y, int outputs,
              const std::int32_t* labels, const T* weights) {
    const auto rows = static_cast<std::size_t>(n);
    const auto classes = copied(labels, rows);
    session->set_data({copied(X, rows * inputs), copied(y, rows * outputs), copied(weights, rows),
                       {classes.begin(), classes.end()}, n});
}

// Where a run stands: step, epoch, and the examples gone through in this one.
CHAINRULE_EXPORT("where") void where(Session<T>* session, double* to) {
    to[0] = static_cast<double>(session->at.step);
    to[1] = static_cast<double>(session->at.epoch);
    to[2] = static_cast<double>(session->at.first);
}
CHAINRULE_EXPORT("go") void go(Session<T>* session, double step, double epoch, double first) {
    session->at = {static_cast<std::int64_t>(step), static_cast<std::int64_t>(epoch),
                   static_cast<std::int64_t>(first)};
}

// How many steps were made; fewer than asked where a number has become infinite.
CHAINRULE_EXPORT("train")
int train(Session<T>* session, int steps, int shuffles, double mean_weight, const double* rates, int count,
          double* parts) {
    const std::span<const double> given(rates, static_cast<std::size_t>(count));
    return static_cast<int>(session->train(steps, shuffles != 0, mean_weight, given, parts));
}

CHAINRULE_EXPORT("gradient") double gradient(Session<T>* session, double scale, double step) {
    return session->gradient(scale, static_cast<std::uint64_t>(step));
}
CHAINRULE_EXPORT("losses") double losses(Session<T>* session, double step) {
    return session->losses(static_cast<std::uint64_t>(step));
}
CHAINRULE_EXPORT("penalty") double penalty(Session<T>* session) { return session->penalty(); }
CHAINRULE_EXPORT("predict") int predict(Session<T>* session, const T* X, int n, T* out) {
    return session->predict(X, n, out);
}

CHAINRULE_EXPORT("most_looked_at") int most_looked_at() { return Look<T>::most_rows; }
CHAINRULE_EXPORT("look") void look(Session<T>* session, const std::int32_t* rows, int n, double step) {
    session->look({rows, rows + n}, static_cast<std::uint64_t>(step));
}
CHAINRULE_EXPORT("looked_value") void looked_value(Session<T>* session, int v, T* to) {
    session->looked()->value(v, to);
}
CHAINRULE_EXPORT("looked_came") void looked_came(Session<T>* session, int v, T* to) {
    session->looked()->came(v, to);
}
CHAINRULE_EXPORT("looked_went") void looked_went(Session<T>* session, int v, T* to) {
    session->looked()->went(v, to);
}
CHAINRULE_EXPORT("looked_slope") void looked_slope(Session<T>* session, int v, T* to) {
    session->looked()->slope(v, to);
}
CHAINRULE_EXPORT("looked_shares") void looked_shares(Session<T>* session, T* to) {
    session->looked()->shares(to);
}
CHAINRULE_EXPORT("looked_links") void looked_links(Session<T>* session, T* to) {
    session->looked()->links(to);
}
CHAINRULE_EXPORT("looked_losses") void looked_losses(Session<T>* session, T* to) {
    session->looked()->losses(to);
}
}
