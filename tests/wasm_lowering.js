// The programs of networks as a page lays them out: node wasm_lowering.js SCRIPT < given > programs

const { readFileSync } = require('fs');

const { Lowering } = new Function(`'use strict';${readFileSync(process.argv[2])}\nreturn { Lowering };`)();

const { patterns, activations, nets } = JSON.parse(readFileSync(0, 'utf8'));
process.stdout.write(JSON.stringify(nets.map((net) => new Lowering(patterns, activations, true).program(net))));
