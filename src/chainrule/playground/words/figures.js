// Numbers as people read them: the same in every language, as formulas have them.

// A few significant digits; tiny and huge ones with a power of ten.
const figure = (x, digits = 4) => {
  if (x === null || x === undefined) return '–';
  if (!Number.isFinite(x)) return Number.isNaN(x) ? 'NaN' : `${x < 0 ? '−' : ''}∞`;
  const size = Math.abs(x);
  const text = size && (size < 1e-4 || size >= 1e6) ? x.toExponential(digits - 1) : String(Number(x.toPrecision(digits)));
  const [mantissa, power] = text.split('e');
  return `${mantissa}${power ? ` × 10${[...String(Number(power))].map((sign) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[sign] ?? '⁻').join('')}` : ''}`.replace('-', '−');
};

// 1,234,567
const whole = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ',');
