// The learning rate of each step: a number, or a schedule, whose rules are written by schedule_rules.py.
//
//   schedule   ['cosine', { rate, steps, final }]

const rateAt = (given, t) => (Array.isArray(given) ? SCHEDULE_RULES[given[0]](given[1], t) : given);

// The rates of the steps behind `from`, up to `to`.
const ratesOf = (given, from, to) => Float64Array.from({ length: to - from }, (_, k) => rateAt(given, from + k + 1));
