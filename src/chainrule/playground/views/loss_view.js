// The costs by step as a drawing: training as a line, the test as a dashed one, and where the run stands.

const COURSE_ROOM = { left: 46, right: 12, top: 8, bottom: 20 };

class LossDrawing {
  constructor(root, colours, course) {
    this.canvas = node('canvas', { role: 'img' });
    Object.assign(this, { colours, course, width: 0, height: 150, step: 0 });
    root.append(this.canvas);
  }

  resized(width) {
    this.width = width;
    this.draw(this.step);
  }

  get last() { return Math.max(1, this.course.last?.[0] ?? 1); }

  x(step) {
    const { left, right } = COURSE_ROOM;
    return left + (step / this.last) * (this.width - left - right);
  }

  y(cost) {
    const { top, bottom } = COURSE_ROOM;
    return this.height - bottom - shareOfCost(this.axis, cost) * (this.height - top - bottom);
  }

  draw(step) {
    this.step = step;
    if (!this.width) return;
    const context = sizedCanvas(this.canvas, ...this.size);
    context.clearRect(0, 0, ...this.size);
    this.paint(context);
  }

  get size() { return [this.width, this.height]; }

  paint(context) {
    this.axis = costAxis(this.course.values());
    this.axes(context);
    this.line(context, 2, this.colours.minus, [5, 3]);
    this.line(context, 1, this.colours.plus, []);
    this.stands(context, this.step);
  }

  axes(context) {
    const { left, right, bottom } = COURSE_ROOM;
    Object.assign(context, { strokeStyle: this.colours.line, fillStyle: this.colours.soft, lineWidth: 1, font: `11px ${this.colours.sans}` });
    Object.assign(context, { textAlign: 'right', textBaseline: 'middle' });
    for (const { cost, text } of costTicks(this.axis)) {
      const y = Math.round(this.y(cost)) + 0.5;
      context.beginPath();
      context.moveTo(left, y);
      context.lineTo(this.width - right, y);
      context.stroke();
      context.fillText(text, left - 6, y);
    }
    Object.assign(context, { textAlign: 'center', textBaseline: 'bottom' });
    const steps = roundTicks(0, this.last, this.width < 300 ? 3 : 5).filter(Number.isInteger);
    steps.forEach((own) => context.fillText(whole(own), Math.min(this.x(own), this.width - 3 * String(own).length - 2), this.height));
  }

  line(context, column, colour, dashes) {
    Object.assign(context, { strokeStyle: colour, lineWidth: 1.8, lineJoin: 'round' });
    context.setLineDash(dashes);
    context.beginPath();
    let begun = false;
    for (const point of this.course.points) {
      const cost = point[column];
      if (cost === null || !Number.isFinite(cost)) begun = false;
      else if (begun) context.lineTo(this.x(point[0]), this.y(cost));
      else {
        context.moveTo(this.x(point[0]), this.y(cost));
        begun = true;
      }
    }
    context.stroke();
    context.setLineDash([]);
  }

  stands(context, step) {
    const x = this.x(Math.min(step, this.last));
    Object.assign(context, { strokeStyle: this.colours.mark, lineWidth: 1 });
    context.beginPath();
    context.moveTo(x, COURSE_ROOM.top);
    context.lineTo(x, this.height - COURSE_ROOM.bottom);
    context.stroke();
  }
}

// Some of the points as a table, the last among them.
const courseTable = (words, course, most = 12) => {
  const every = Math.max(1, Math.ceil(course.points.length / most));
  const rows = course.points.filter((_, k) => k % every === 0 || k === course.points.length - 1);
  return textTable(words.say('course.table'), [words.say('training.at_step'), words.say('training.cost'), words.say('training.test_cost')],
    rows.map(([step, training, test]) => [whole(step), figure(training), figure(test)]));
};

// The costs of the run, and a slider that goes back to any of its steps.
const courseView = ({ run, words, root }) => {
  const course = new LossCourse();
  const key = node('p', { class: 'key' }, node('span', { class: 'line plus' }), node('span', { 'data-say': 'views.training' }), node('span', { class: 'line minus' }), node('span', { 'data-say': 'views.test' }));
  const box = node('div', { class: 'drawing' });
  root.append(key, box);
  const colours = new PageColours(() => drawing.draw(drawing.step));
  const drawing = new LossDrawing(box, colours, course);
  const slider = new StepSlider(root, run, words);
  const beside = new TableBeside(root, run, () => courseTable(words, course));
  root.append(pictureButtons('cost', run, () => drawing));
  drawing.canvas.addEventListener('click', (event) => {
    const { left, right } = COURSE_ROOM;
    const part = (event.offsetX - left) / (drawing.width - left - right);
    run.go(Math.round(Math.max(0, Math.min(1, part)) * run.furthest));
  });
  atWidth(box, (width) => drawing.resized(width));
  run.on('made', () => course.clear());

  const update = (frame) => {
    if (!frame) return;
    const { step, training, test } = frame.costs;
    if (course.points.length && course.last[0] > run.furthest) course.cut(run.furthest);
    course.add(step, training, test);
    key.querySelectorAll('.line.minus, [data-say="views.test"]').forEach((own) => { own.hidden = test === null; });
    drawing.draw(step);
    slider.update(step);
    if (run.playing) return;
    drawing.canvas.ariaLabel = words.say(test === null ? 'course.said' : 'course.said_test', {
      from: figure(course.points[0][1]), to: figure(training), test: figure(test), step: whole(step),
    });
    beside.update();
  };
  return { update };
};
