// Signs a code with this page's own key every fifteen seconds and shows it. Nothing is asked of any network.

const said = JSON.parse(document.getElementById('pass').textContent);
const bytesOf = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
const say = (text) => { document.getElementById('state').textContent = text; };

function joined(...parts) {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function draw(rows) {
  const canvas = document.getElementById('code');
  const side = 12;
  canvas.width = canvas.height = rows.length * side; // the page is the white round it
  const pen = canvas.getContext('2d');
  pen.fillStyle = '#fff';
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.fillStyle = '#000';
  rows.forEach((row, y) => row.forEach((dark, x) => {
    if (dark) pen.fillRect(x * side, y * side, side, side);
  }));
  canvas.hidden = false;
}

async function turn(key) {
  const now = Math.floor(Date.now() / 1000);
  if (now >= said.until_s) {
    document.getElementById('code').hidden = true;
    say('This pass has ended.');
    return;
  }
  const moment = new Uint8Array(4);
  new DataView(moment.buffer).setUint32(0, now);
  const before = joined(bytesOf(said.pass), moment);
  const signature = new Uint8Array(await crypto.subtle.sign('Ed25519', key, joined(bytesOf(said.frame), before)));
  const text = said.prefix + base45(joined(before, signature));
  draw(qr(text, said.form));
  document.body.dataset.text = text;
  say('Hold it 10 to 30 cm before the camera, upright and as bright as the screen goes.');
}

async function begin() {
  let key;
  try {
    key = await crypto.subtle.importKey('pkcs8', bytesOf(said.key), 'Ed25519', false, ['sign']);
  } catch {
    say('This browser cannot sign with Ed25519 here. Open this page as a file or over https, in Chrome or Edge 137, '
      + 'Firefox 129, Safari 17 or later; or ask for a printed pass.');
    return;
  }
  await turn(key);
  setInterval(() => { turn(key); }, said.every_s * 1000);
  document.addEventListener('visibilitychange', () => { if (!document.hidden) turn(key); });
}

begin();
