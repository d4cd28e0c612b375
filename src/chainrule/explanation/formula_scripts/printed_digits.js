// Digits that hold: how a number is printed, and how many digits the numbers that are put into a
// formula need for the printed line to be true as it stands. The same rules as printed_digits.py.

const [DIGITS, FEWEST, MOST] = [9, 4, 17];
const SURE = 14; // digits that double precision does not lose in working out a formula

const even = (head) => head % 2n === 1n; // whether the half between two goes up: to the even one

// A number rounded to significant digits, without zeros at its end; `exact` is how many digits of
// it count, all of them unless told otherwise.
const figure = (value, digits = DIGITS, exact = 60, tie = even) => {
  const negative = value < 0;
  if (!Number.isFinite(value)) return { negative, mantissa: Number.isNaN(value) ? 'NaN' : '∞', exponent: 0 };
  if (value === 0) return { negative: false, mantissa: '0', exponent: 0 };
  const [number, power] = rounded(Math.abs(value), digits, Math.max(exact, digits), tie);
  const placeless = power < digits || Number(`${number}e${power - number.length + 1}`) === Math.abs(value);
  const plain = power >= -5 && power <= 8 && placeless; // no 0 stands for a digit that is left out
  return { negative, mantissa: placed(number.replace(/0+$/, ''), plain ? power : 0), exponent: plain ? 0 : power };
};

// A number in decimals, of which the same are asked for again and again.
const known = new Map();

const decimals = (size, exact) => {
  if (exact !== 60) return size.toExponential(exact);
  if (!known.has(size)) {
    if (known.size > 4096) known.clear();
    known.set(size, size.toExponential(exact));
  }
  return known.get(size);
};

// The digits, and the power of ten of the first.
const rounded = (size, digits, exact, tie) => {
  const [mantissa, power] = decimals(size, exact).split('e');
  const all = mantissa.replace('.', '');
  const [head, tail] = [BigInt(all.slice(0, digits)), all.slice(digits)];
  const half = '5'.padEnd(tail.length, '0');
  const up = tail > half || (tail === half && tie(head));
  const number = String(head + (up ? 1n : 0n));
  return [number, Number(power) + (number.length - digits)];
};

// Digits with the point after the one that stands for 10^power.
const placed = (digits, power) => {
  if (power < 0) return `0.${'0'.repeat(-power - 1)}${digits}`;
  const whole = digits.slice(0, power + 1).padEnd(power + 1, '0');
  const rest = digits.slice(power + 1);
  return rest ? `${whole}.${rest}` : whole;
};

const printed = ({ negative, mantissa, exponent }) =>
  Number(`${negative ? '-' : ''}${mantissa === '∞' ? 'Infinity' : mantissa}e${exponent}`);

const text = (value, digits = DIGITS, exact = 60, tie = even) => {
  if (Number.isNaN(value)) return '–'; // what a page of the core's numbers does not know
  const { negative, mantissa, exponent } = figure(value, digits, exact, tie);
  return `${negative ? '−' : ''}${mantissa}${exponent ? ` · 10${raised(exponent)}` : ''}`;
};

const raised = (power) => String(power).replace(/./g, (sign) => '⁰¹²³⁴⁵⁶⁷⁸⁹⁻'['0123456789-'.indexOf(sign)]);

// The result of a formula as it is printed, and the digits of what is put in.
const printedDigits = (tree, value, digits) => {
  const agrees = (shown, putIn) => {
    const cut = new Map();
    const cutLeaf = ([, , full]) => {
      if (!cut.has(full)) cut.set(full, figure(full, putIn));
      return cut.get(full);
    };
    return holdsAsPrinted(tree, value, shown, cutLeaf);
  };
  if (digits) return { shown: digits, putIn: digits, rounded: !agrees(digits, digits) };
  for (let shown = DIGITS; shown >= FEWEST; shown--) {
    for (let putIn = DIGITS; putIn <= MOST; putIn++) {
      if (agrees(shown, putIn)) return { shown, putIn, rounded: false };
    }
  }
  return { shown: DIGITS, putIn: DIGITS, rounded: true };
};

// Whether the printed numbers give the printed result: an exact 0, where it is 0.
const holdsAsPrinted = (tree, value, shown, cut) => {
  try {
    const found = exactly(tree, (leaf) => ofFigure(cut(leaf)));
    if (found) return roundsTo(found, figure(value, shown), shown);
  } catch (error) {
    if (error instanceof NoValue) return false;
    throw error;
  }
  const near = evaluate(tree, (leaf) => printed(cut(leaf)));
  if (!value || !Number.isFinite(near) || Math.sign(near) !== Math.sign(value)) return false;
  const digits = (...given) => rounded(...given).join('e').replace(/0*e/, 'e');
  const wanted = digits(Math.abs(value), shown, 60, even);
  return [true, false].every((up) => digits(Math.abs(near), shown, Math.max(SURE, shown), () => up) === wanted);
};
