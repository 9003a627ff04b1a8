// A QR code as rows of true (dark) and false: alphanumeric mode, error correction L, ISO/IEC 18004.
// `form` says what the standard's tables say of the version: version, blocks (data codewords of each), repair
// (codewords of error correction of each block), marks (centres of the alignment patterns).

const SIGNS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:';
const EXP = new Uint8Array(510);
const LOG = new Uint8Array(256);
for (let power = 0, value = 1; power < 255; power++) {
  EXP[power] = EXP[power + 255] = value;
  LOG[value] = power;
  value = value << 1 ^ (value > 127 ? 0x11d : 0);
}

function base45(bytes) {
  let text = '';
  for (let at = 0; at < bytes.length; at += 2) {
    const two = at + 1 < bytes.length;
    let value = two ? bytes[at] * 256 + bytes[at + 1] : bytes[at];
    for (let sign = two ? 3 : 2; sign > 0; sign--) {
      text += SIGNS[value % 45];
      value = Math.floor(value / 45);
    }
  }
  return text;
}

function codewords(text, form) {
  const bits = [];
  const add = (value, count) => { while (count-- > 0) bits.push(value >> count & 1); };
  add(2, 4);
  add(text.length, form.version < 10 ? 9 : 11);
  for (let at = 0; at < text.length; at += 2) {
    const first = SIGNS.indexOf(text[at]);
    if (at + 1 < text.length) add(first * 45 + SIGNS.indexOf(text[at + 1]), 11); else add(first, 6);
  }
  const room = 8 * form.blocks.reduce((sum, length) => sum + length, 0);
  if (bits.length > room) throw new RangeError('too long for this version');
  add(0, Math.min(4, room - bits.length));
  add(0, (8 - bits.length % 8) % 8);
  for (let pad = 0xec; bits.length < room; pad ^= 0xfd) add(pad, 8);
  const data = [];
  for (let at = 0; at < room; at += 8) data.push(bits.slice(at, at + 8).reduce((byte, bit) => byte * 2 + bit, 0));
  return data;
}

function repairs(block, count) {
  let divisor = [1];
  for (let root = 0; root < count; root++) {
    const next = new Array(divisor.length + 1).fill(0);
    divisor.forEach((term, at) => {
      next[at] ^= term;
      next[at + 1] ^= term ? EXP[LOG[term] + root] : 0;
    });
    divisor = next;
  }
  const rest = [...block, ...new Array(count).fill(0)];
  for (let at = 0; at < block.length; at++) {
    const lead = rest[at];
    if (lead) divisor.forEach((term, place) => { rest[at + place] ^= EXP[LOG[lead] + LOG[term]]; });
  }
  return rest.slice(block.length);
}

function interleaved(text, form) {
  const data = codewords(text, form);
  let at = 0;
  const blocks = form.blocks.map((length) => data.slice(at, at += length));
  const ends = blocks.map((block) => repairs(block, form.repair));
  const out = [];
  for (let place = 0; place < Math.max(...form.blocks); place++) {
    for (const block of blocks) if (place < block.length) out.push(block[place]);
  }
  for (let place = 0; place < form.repair; place++) for (const end of ends) out.push(end[place]);
  return out;
}

function checked(value, generator, length) {
  const degree = generator.toString(2).length - 1;
  let rest = value << degree;
  for (let bit = length - 1; bit >= 0; bit--) if (rest >> bit + degree & 1) rest ^= generator << bit;
  return value << degree | rest;
}

function qr(text, form) {
  const size = 17 + 4 * form.version;
  const rows = Array.from({ length: size }, () => new Array(size).fill(null));
  const set = (row, column, dark) => {
    if (row >= 0 && row < size && column >= 0 && column < size) rows[row][column] = dark;
  };
  for (const [top, left] of [[0, 0], [0, size - 7], [size - 7, 0]]) {
    for (let row = -1; row < 8; row++) {
      for (let column = -1; column < 8; column++) {
        const ring = Math.max(Math.abs(row - 3), Math.abs(column - 3));
        set(top + row, left + column, ring !== 2 && ring !== 4);
      }
    }
  }
  for (const row of form.marks) {
    for (const column of form.marks) {
      if (rows[row][column] !== null) continue;
      for (let y = -2; y < 3; y++) {
        for (let x = -2; x < 3; x++) set(row + y, column + x, Math.max(Math.abs(y), Math.abs(x)) !== 1);
      }
    }
  }
  for (let at = 8; at < size - 8; at++) {
    rows[6][at] ??= at % 2 === 0;
    rows[at][6] ??= at % 2 === 0;
  }
  const format = checked(0b01000, 0x537, 5) ^ 0x5412; // level L, mask 0
  for (let bit = 0; bit < 15; bit++) {
    const dark = (format >> bit & 1) === 1;
    set(bit < 6 ? bit : bit < 8 ? bit + 1 : size - 15 + bit, 8, dark);
    set(8, bit < 8 ? size - 1 - bit : bit < 9 ? 7 : 14 - bit, dark);
  }
  set(size - 8, 8, true);
  const version = checked(form.version, 0x1f25, 6);
  for (let bit = 0; bit < 18; bit++) {
    const dark = (version >> bit & 1) === 1;
    set(Math.floor(bit / 3), size - 11 + bit % 3, dark);
    set(size - 11 + bit % 3, Math.floor(bit / 3), dark);
  }
  const words = interleaved(text, form);
  let place = 0;
  for (let right = size - 1; right > 0; right -= 2) {
    if (right === 6) right--;
    const upward = (size - 1 - right + (right < 6 ? 1 : 0)) / 2 % 2 < 1;
    for (let step = 0; step < size; step++) {
      const row = upward ? size - 1 - step : step;
      for (const column of [right, right - 1]) {
        if (rows[row][column] !== null) continue;
        const dark = (words[place >> 3] >> 7 - place % 8 & 1) === 1;
        rows[row][column] = dark !== ((row + column) % 2 === 0);
        place++;
      }
    }
  }
  return rows;
}
