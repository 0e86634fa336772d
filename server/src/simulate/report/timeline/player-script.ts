/**
 * What makes the page play: it runs in the reader's browser, not here. Each `.player` has a clock of its own; where sound is
 * kept it comes from Web Audio, elsewhere the clock runs silently and the words light up all the same.
 */
export const playerScript = String.raw`
'use strict';
const RATE = 8000, FAR = 45, FARTHER = 14;
const clockOf = (ms) => {
  const tenths = Math.round(ms / 100);
  return Math.floor(tenths / 600) + ':' + String(Math.floor(tenths / 10) % 60).padStart(2, '0') + '.' + (tenths % 10);
};
const linearOf = (byte) => {
  const code = ~byte & 0xff;
  const size = (((code & 15) << 3) + 132) << ((code >> 4) & 7);
  return ((code & 128) ? 132 - size : size - 132) / 32768;
};
let audio, active;

class Player {
  constructor(element) {
    this.element = element;
    this.scroller = element.querySelector('.scroller');
    this.time = element.querySelector('.time');
    this.head = element.querySelector('.head');
    this.button = element.querySelector('.play');
    this.length = Number(this.time.dataset.length);
    this.at = 0;
    this.playing = false;
    this.lit = [];
    const home = element.closest('.call') ?? element.closest('.pair');
    const side = home.matches('.pair') ? [...home.querySelectorAll('.player')].indexOf(element) : -1;
    const cells = side < 0 ? [home] : [element, ...home.querySelectorAll('[data-player="' + side + '"]')];
    this.words = cells.flatMap((cell) => [...cell.querySelectorAll('span[data-at]')]).map((span) => ({ span, from: +span.dataset.at, to: +span.dataset.to }));
    this.button.addEventListener('click', () => (this.playing ? this.stop() : this.play()));
    for (const zoom of element.querySelectorAll('.zoom')) zoom.addEventListener('click', () => this.zoom(zoom.dataset.zoom));
    this.scroller.addEventListener('click', (event) => {
      if (event.target.closest('[data-at]')) return;
      this.go((1000 * (event.clientX - this.time.getBoundingClientRect().left)) / this.scale);
    });
    this.draw();
  }
  get scale() {
    return parseFloat(getComputedStyle(this.element).getPropertyValue('--pps'));
  }
  async sound() {
    const kept = [...this.element.querySelectorAll('.sound')];
    if (kept.length === 0) return undefined;
    const channels = await Promise.all(kept.map(async (script) => {
      const bytes = Uint8Array.from(atob(script.textContent), (letter) => letter.charCodeAt(0));
      const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
      return new Uint8Array(await new Response(plain).arrayBuffer());
    }));
    audio ??= new AudioContext();
    const buffer = audio.createBuffer(2, Math.max(1, ...channels.map((channel) => channel.length)), RATE);
    channels.forEach((channel, index) => {
      const samples = buffer.getChannelData(index);
      for (let i = 0; i < channel.length; i++) samples[i] = linearOf(channel[i]);
    });
    return buffer;
  }
  async play() {
    active?.stop();
    active = this;
    if (this.at >= this.length - 50) this.at = 0;
    this.playing = true;
    this.label();
    this.buffer ??= this.sound();
    const buffer = await this.buffer;
    if (!this.playing || active !== this || this.source) return;
    if (buffer) {
      await audio.resume();
      if (!this.playing) return;
      this.source = audio.createBufferSource();
      this.source.buffer = buffer;
      // A little of each voice on the other side: pleasant with headphones, and still apart.
      const [left, right, both] = [audio.createGain(), audio.createGain(), audio.createChannelMerger(2)];
      const split = audio.createChannelSplitter(2);
      left.gain.value = right.gain.value = 0.45;
      this.source.connect(split);
      split.connect(both, 0, 0); split.connect(both, 1, 1);
      split.connect(left, 0); left.connect(both, 0, 1);
      split.connect(right, 1); right.connect(both, 0, 0);
      both.connect(audio.destination);
      if (this.at / 1000 < buffer.duration) this.source.start(0, this.at / 1000);
    }
    let origin;
    const step = (now) => {
      if (!this.playing || active !== this) return;
      origin ??= now - this.at;
      this.at = Math.min(this.length, now - origin);
      this.draw();
      this.follow();
      if (this.at >= this.length) this.stop();
      else this.frame = requestAnimationFrame(step);
    };
    this.frame = requestAnimationFrame(step);
  }
  stop() {
    this.playing = false;
    cancelAnimationFrame(this.frame);
    try { this.source?.stop(); } catch {}
    this.source = undefined;
    this.label();
  }
  label() {
    this.word ??= this.button.textContent.trim().split(' ').pop();
    this.button.innerHTML = this.playing ? '<span aria-hidden="true">❚❚</span> Pause' : '<span aria-hidden="true">▶</span> ' + this.word;
    this.button.setAttribute('aria-label', this.playing ? 'Pause' : this.word);
  }
  go(at) {
    const playing = this.playing;
    if (playing) this.stop();
    this.at = Math.max(0, Math.min(this.length, at));
    this.draw();
    this.follow();
    active = this;
    if (playing) void this.play();
  }
  from(at) {
    this.stop();
    this.go(at);
    void this.play();
  }
  draw() {
    this.element.querySelector('.clock').textContent = clockOf(this.at);
    this.head.style.left = 'calc(var(--pps)*' + this.at / 1000 + ')';
    const now = this.at > 0 ? this.words.filter(({ from, to }) => from <= this.at && this.at < to) : [];
    for (const word of this.lit) if (!now.includes(word)) word.span.classList.remove('now');
    for (const word of now) word.span.classList.add('now');
    this.lit = now;
  }
  follow() {
    const x = (this.at / 1000) * this.scale;
    const { scrollLeft, clientWidth } = this.scroller;
    if (x < scrollLeft + 20 || x > scrollLeft + clientWidth * 0.85) this.scroller.scrollLeft = x - clientWidth * 0.25;
  }
  zoom(how) {
    const width = this.scroller.clientWidth;
    const scale = how === 'fit' ? (1000 * width) / this.length : Math.min(400, Math.max(4, this.scale * Number(how)));
    const middle = (this.scroller.scrollLeft + width / 2) / this.scale;
    this.element.style.setProperty('--pps', scale + 'px');
    this.element.classList.toggle('far', scale < FAR);
    this.element.classList.toggle('farther', scale < FARTHER);
    this.scroller.scrollLeft = middle * scale - width / 2;
  }
}

const players = new Map([...document.querySelectorAll('.player')].map((element) => [element, new Player(element)]));
const playerOf = (target) => {
  const inside = target.closest('.player');
  if (inside) return players.get(inside);
  const home = target.closest('.call, .pair');
  const all = home ? [...home.querySelectorAll('.player')] : [];
  return players.get(all[Number(target.closest('[data-player]')?.dataset.player ?? 0)]);
};

document.addEventListener('click', (event) => {
  const place = event.target.closest('[data-at]');
  if (place) playerOf(place)?.from(Number(place.dataset.at));
  const link = event.target.closest('a[href^="#call-"]');
  if (link) document.querySelector(link.getAttribute('href')).open = true;
});
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, textarea, select')) return;
  const pressed = event.target.closest('button, summary, a');
  if (event.key === 'n' || event.key === 'p') {
    const failed = [...document.querySelectorAll('.call.failed, .turns .differs')];
    const here = failed.findIndex((one) => one.classList.contains('here'));
    const next = failed[(here + (event.key === 'n' ? 1 : failed.length - 1)) % Math.max(1, failed.length)] ?? failed[0];
    failed.forEach((one) => one.classList.toggle('here', one === next));
    if (next?.matches('.call')) { next.open = true; next.querySelector('summary').focus({ preventScroll: true }); }
    next?.scrollIntoView({ block: 'start', behavior: 'smooth' });
    return;
  }
  const near = playerOf(event.target) ?? active ?? players.get(document.querySelector('.call[open] .player, .pair .player'));
  if (!near) return;
  const seconds = event.shiftKey ? 5000 : 1000;
  if (event.key === ' ' && !pressed) near.playing ? near.stop() : void near.play();
  else if (event.key === 'ArrowRight') near.go(near.at + seconds);
  else if (event.key === 'ArrowLeft') near.go(near.at - seconds);
  else if (event.key === 'Home' && event.target.closest('.scroller')) near.go(0);
  else if (event.key === '+' || event.key === '=') near.zoom('1.4');
  else if (event.key === '-') near.zoom('0.7');
  else return;
  event.preventDefault();
});
const chosen = location.hash && document.querySelector(location.hash.replace(/[^#\w-]/g, ''));
if (chosen && chosen.matches('details')) chosen.open = true;
`;
