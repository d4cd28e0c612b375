// A reader who presses, chooses, types and drops anything, drawn from a seed: so many acts on the page of the
// playground. What it returns are sentences of what went wrong, and all that was done; an act that takes more than
// `most` milliseconds is wrong too.

async ({ seed, acts, ours, states, most = Infinity }) => {
  let word = seed >>> 0;
  const drawn = (n) => { // mulberry32
    word = (word + 0x6d2b79f5) >>> 0;
    let x = Math.imul(word ^ (word >>> 15), word | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return Math.floor((((x ^ (x >>> 14)) >>> 0) / 2 ** 32) * n);
  };
  const one = (list) => list[drawn(list.length)];
  const wait = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
  const change = (field) => ['input', 'change'].forEach((event) => field.dispatchEvent(new Event(event, { bubbles: true })));

  const TYPED = [
    '', 'abc', '-1', '1e999', '1e-300', '99999999', '0', '0.5', '3', '7', '1,5', '−2', '<b>x</b>', '🙂', ' 7 ', 'NaN', '1e', '2.0.1', '٣', '0x10',
    'Infinity', 'a'.repeat(300), '1 000', '1e3', '.5', '5.', '+1', '12345678901234567890',
  ];
  const TABLES = [
    '', 'x', 'a,b', 'a,b\n1,2\n', 'a,b\n1,2\n3,4\n5,7\n', 'a,b\nx,y\nz,y\n', 'a,b\n1,0\n2,1\n3,0\n4,1\n', 'a;b\n1,5;2\n2,5;3\n3,5;4\n', 'a,b\n"1,2\n',
    'a,a\n1,2\n2,1\n1,1\n', 'a,b,c\n1,2\n3,4,5\n6,7,8\n9,1,2\n', '\u0000\u0001,\u0002\n', 'a,b\n1,one\n2,one\n3,one\n', 'a\tb\n1\t2\n3\t5\n4\t4\n',
    `x,y\n${Array.from({ length: 300 }, (_, k) => `${k},${k % 7}`).join('\n')}`, `${'c,'.repeat(3000)}\n1\n`, '名,值\n一,1\n二,2\n三,3\n', 'a,b\nNaN,inf\n1,2\n',
    '__proto__,constructor\n1,0\n2,1\n3,0\n',
  ];
  const FILES = [
    ['x.toml', 'no toml ['], ['x.toml', 'inputs = 3'], ['y.toml', ours.toml], ['y.toml', ours.toml.slice(0, ours.toml.length / 2)], ['z.model', 'no model'],
    ['z.model', Uint8Array.from(ours.model)], ['z.model', Uint8Array.from(ours.model).slice(0, -7)], ['z.model', Uint8Array.from(ours.model.map((own, k) => (k === 40 ? own ^ 1 : own)))],
    ['t.csv', 'a,b\n1,2\n2,3\n9,1\n'], ['t.csv', ''], ['t.csv', 'a,b\n"'], ['lesson.txt', 'title: x\n---\nwords'], ['photo.png', Uint8Array.of(137, 80, 78, 71)], ['', ''],
  ];
  const KEYS = ['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight', 'Home', 'End', 'Enter', 'Escape', 'z'];

  const faults = [];
  const fault = (what, done) => faults.push(`${done}: ${what}`);
  const isThere = (own) => own.checkVisibility({ visibilityProperty: true }) && !own.disabled && !own.closest('[inert]');
  const sections = () => [...document.querySelectorAll('header, section.card')];
  const control = () => {
    const found = [...one(sections()).querySelectorAll('button:not(:has(+ [type=file])), select, input:not([type=file]), textarea, summary, canvas')].filter(isThere);
    return found.length ? one(found) : null;
  };
  const called = (own) => `${own.closest('section, header').id || 'head'} ${own.localName} ${own.name || own.id || own.ariaLabel || own.textContent.slice(0, 20)}`;
  const typing = (field) => {
    const text = field.localName === 'textarea' ? one(TABLES) : one(TYPED);
    const done = `${called(field)} ← ${JSON.stringify(text.slice(0, 20))}`;
    field.focus();
    field.value = text;
    change(field);
    const shown = field.isConnected ? field.value : text;
    const plain = (own) => Number(own.trim().replace('−', '-').replace(/[,\s](?=\d{3})/g, '').replace(',', '.'));
    if (field.localName !== 'textarea' && shown !== text && plain(shown) !== plain(text)) fault(`what was typed is lost: ${shown}`, done);
    if (one([0, 1])) field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
    return done;
  };

  const onControl = (own) => {
    if (own.matches('button, summary, [type=checkbox], [type=radio]')) {
      const done = called(own);
      own.focus();
      own.click();
      return done;
    }
    if (own.matches('select')) {
      if (!own.options.length) return '';
      if (own.id === 'language' && drawn(4)) return '';
      own.value = one([...own.options]).value;
      const done = `${called(own)} ← ${own.value}`;
      change(own);
      return done;
    }
    if (own.matches('[type=range]')) {
      own.value = drawn(Number(own.max) + 1);
      change(own);
      return `${called(own)} ← ${own.value}`;
    }
    if (own.matches('canvas')) {
      const box = own.getBoundingClientRect();
      const at = { clientX: box.left + drawn(box.width), clientY: box.top + drawn(box.height), bubbles: true };
      ['pointermove', 'click'].forEach((event) => own.dispatchEvent(new PointerEvent(event, at)));
      return called(own);
    }
    return own.readOnly ? '' : typing(own);
  };

  const ACTS = {
    control: () => {
      const own = control();
      return own ? onControl(own) : '';
    },
    burst() {
      const buttons = [...document.querySelectorAll('#training button')].filter(isThere);
      const pressed = Array.from({ length: buttons.length && 6 }, () => one(buttons));
      pressed.forEach((own) => own.click());
      return `pressed ${pressed.map((own) => own.name)}`;
    },
    address() {
      const address = one([...states, ...states.map((own) => own.slice(0, drawn(own.length))), '#top', '#2.abc.def', '#1..', '#1.____.AAAAAA', '#%F0%28']);
      location.hash = address;
      return `address ${address}`;
    },
    drop() {
      const [name, content] = one(FILES);
      const given = new DataTransfer();
      given.items.add(new File([content], name));
      const place = control() ?? document.body;
      place.dispatchEvent(new DragEvent('drop', { dataTransfer: given, bubbles: true, cancelable: true }));
      return `dropped ${name} ${content.length} on ${place.localName}`;
    },
    table() {
      const set = document.querySelector('#data select');
      set.value = 'own';
      change(set);
      const area = document.querySelector('#data textarea');
      area.value = one(TABLES);
      document.querySelector('#data .own > button').click();
      return `table ${JSON.stringify(area.value.slice(0, 30))}`;
    },
    undo() {
      const back = drawn(3) > 0;
      const count = 1 + drawn(5);
      for (let k = 0; k < count; k += 1) document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'z', ctrlKey: true, shiftKey: !back, bubbles: true, cancelable: true }));
      return back ? 'undo' : 'redo';
    },
    key() {
      const key = one(KEYS);
      (document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
      return `key ${key}`;
    },
  };
  const KINDS = ['control', 'control', 'control', 'control', 'control', 'control', 'control', 'control', 'burst', 'address', 'drop', 'table', 'undo', 'key'];

  const trail = [];
  addEventListener('error', ({ message }) => fault(message, trail.slice(-5).join(' | ')));
  addEventListener('unhandledrejection', ({ reason }) => fault(`${reason?.stack ?? reason}`, trail.slice(-5).join(' | ')));
  for (let k = 0; k < acts; k += 1) {
    let done = '';
    const from = performance.now();
    try {
      done = ACTS[one(KINDS)]();
    } catch (error) {
      fault(`thrown: ${error.stack}`, trail.at(-1));
    }
    trail.push(done);
    await wait(one([0, 0, 0, 2, 20]));
    const took = performance.now() - from;
    if (took > most) fault(`it took ${Math.round(took)} ms`, trail.slice(-6).join(' | '));
    const { scrollWidth } = document.documentElement;
    if (scrollWidth > innerWidth) {
      const wide = [...document.querySelectorAll('body *')].filter((own) => isThere(own) && own.getBoundingClientRect().right > innerWidth + 1 && !own.closest('.table, .tables, #working li'));
      fault(`wider than the screen: ${scrollWidth} ${wide.slice(-3).map((own) => `${own.localName}.${own.className}`)}`, done);
      break;
    }
  }
  return { faults, trail };
}
